/**
 * Runs a report over the archive, as the workers ran it over the requests: the same functions, one
 * accumulator for each window.
 *
 * The archive lies in the order of hours, so what is in memory is an hour of windows; of a report
 * that places messages by a time of their own it is all of them. `count` needs the times alone: it
 * adds to a column of numbers, and makes no object of any message.
 */
import { join } from 'node:path';
import { alignDown, largestTime, messageOf, type Period, Reto3Error, timeText } from '@reto3/core';
import {
  Accumulators,
  encodeBounded,
  type Message,
  type Report,
  type StoredWindow,
} from '@reto3/reports';
import { HourCounts } from '../hour-counts.ts';
import { hourMs } from '../layout.ts';
import { filesIn, type MessageBatch, readArchive } from '../reader.ts';
import { readSegment } from '../segment.ts';
import { countName, encodeCount } from './count.ts';

/** Windows that start in [from, to), epoch ms, whole windows of the period. */
export interface ReplayRange {
  readonly from: number;
  readonly to: number;
}

export interface ReplayOptions {
  /** How many threads DuckDB may use; by default one for each core. */
  readonly threads?: number;
  /** Told how many messages were read so far. */
  readonly onProgress?: (messages: number) => void;
}

/** What takes messages, and gives windows when no more of them come. */
interface Windows {
  add(batch: MessageBatch): void;
  /** The windows in order of time; begins anew with none. */
  take(): Iterable<StoredWindow>;
}

/**
 * The windows of the range in which the report has something, in order of time.
 * @param folder of the archive
 * @throws Reto3Error RETO3_REPORT_FAILED, and what reading the archive throws
 */
export async function* replay(
  folder: string,
  report: Report,
  period: Period,
  range: ReplayRange,
  { threads, onProgress }: ReplayOptions = {},
): AsyncGenerator<StoredWindow> {
  const isCount = report.name === countName;
  const windows = isCount ? new Counts(period) : new Accumulated(report, period);
  const parts = isCount ? 'time' : report.needs;
  const options = threads === undefined ? {} : { threads };
  let hour = 0;
  let messages = 0;
  for await (const batch of readArchive(folder, arrivalsFor(report, range), parts, options)) {
    const batchHour = alignDown(batch.arrivedMs[0] ?? 0, hourMs);
    // Whole windows were asked for, so what came then lies in the range.
    if (batchHour !== hour && report.timeOf === undefined) yield* windows.take();
    hour = batchHour;
    windows.add(batch);
    messages += batch.length;
    onProgress?.(messages);
  }
  for (const window of windows.take())
    if (window.start >= range.from && window.start < range.to) yield window;
}

/** At most so many messages have to be read for it. */
export function messagesToReplay(folder: string, report: Report, range: ReplayRange): number {
  let messages = 0;
  for (const file of filesIn(folder, arrivalsFor(report, range)))
    messages += file.messages ?? messagesInSegment(join(folder, file.path));
  return messages;
}

/** The hours that the archive has anything of; undefined where it has nothing. */
export function archivedHours(folder: string): ReplayRange | undefined {
  const hours = filesIn(folder, { from: 0, to: largestTime }).map(({ hour }) => hour);
  const [first, last] = [hours[0], hours.at(-1)];
  return first === undefined || last === undefined ? undefined : { from: first, to: last + hourMs };
}

/** What may come into windows of the range: of a report with times of its own, any message. */
function arrivalsFor({ timeOf }: Report, range: ReplayRange): ReplayRange {
  return timeOf === undefined ? range : { from: 0, to: largestTime };
}

/** None where it was converted, or deleted, a moment ago: only a progress bar is wrong by it. */
function messagesInSegment(path: string): number {
  try {
    return readSegment(path).messages;
  } catch {
    return 0;
  }
}

class Counts implements Windows {
  readonly #period: Period;
  readonly #counts: HourCounts;
  #hour = 0;

  constructor(period: Period) {
    this.#period = period;
    this.#counts = new HourCounts(period);
  }

  add({ arrivedMs }: MessageBatch): void {
    this.#hour = alignDown(arrivedMs[0] ?? 0, hourMs);
    this.#counts.add(this.#hour, arrivedMs);
  }

  *take(): Generator<StoredWindow> {
    const [{ counts }, hour] = [this.#counts, this.#hour];
    for (const [window, count] of counts.entries())
      if (count > 0)
        yield { start: hour + window * this.#period.windowMs, bytes: encodeCount(count) };
    this.#counts.clear();
  }
}

/** A message of which only that is decoded which a report asks for. */
class ArchivedRow implements Message {
  readonly arrivedMs: number;
  readonly #batch: MessageBatch;
  readonly #row: number;

  constructor(batch: MessageBatch, row: number) {
    this.arrivedMs = batch.arrivedMs[row] ?? 0;
    this.#batch = batch;
    this.#row = row;
  }

  get worker(): number {
    return this.#batch.worker(this.#row);
  }

  get method(): string {
    return this.#batch.method(this.#row);
  }

  get path(): string {
    return this.#batch.path(this.#row);
  }

  get query(): string {
    return this.#batch.query(this.#row);
  }

  get body(): Uint8Array {
    return this.#batch.body(this.#row);
  }

  get bodyBytes(): number {
    return this.#batch.bodyBytes(this.#row);
  }
}

class Accumulated implements Windows {
  readonly #report: Report;
  readonly #period: Period;
  #accumulators: Accumulators<unknown>;

  constructor(report: Report, period: Period) {
    this.#report = report;
    this.#period = period;
    this.#accumulators = new Accumulators(report, period);
  }

  add(batch: MessageBatch): void {
    const accumulators = this.#accumulators;
    let row = 0;
    try {
      // A new object for each: a report may know a message again by it.
      for (; row < batch.length; row++) accumulators.add(new ArchivedRow(batch, row));
    } catch (error) {
      const at = timeText(batch.arrivedMs[row] ?? 0);
      throw this.#failed(`at a message that came at ${at}`, error);
    }
  }

  *take(): Generator<StoredWindow> {
    const windows = this.#accumulators.entries();
    this.#accumulators = new Accumulators(this.#report, this.#period);
    for (const [start, accumulator] of windows) {
      let bytes: Uint8Array;
      try {
        bytes = encodeBounded(this.#report, accumulator);
      } catch (error) {
        throw this.#failed(`in the window of ${timeText(start)}`, error);
      }
      yield { start, bytes };
    }
  }

  #failed(where: string, cause: unknown): Reto3Error {
    const message = `the report "${this.#report.name}" failed ${where}: ${messageOf(cause)}`;
    return new Reto3Error('RETO3_REPORT_FAILED', message, { cause });
  }
}
