/**
 * Runs a report over the archive, with the same functions that workers run on requests.
 *
 * The archive is ordered by hour, so memory holds the windows of one hour; for a report that uses
 * the messages' own time stamps, it holds all windows. `count` reads only arrival times, into a
 * column of numbers.
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

/** Windows that start in [from, to), epoch ms; the bounds are starts of windows. */
export interface ReplayRange {
  readonly from: number;
  readonly to: number;
}

export interface ReplayOptions {
  /** Called with the number of messages read so far. */
  readonly onProgress?: (messages: number) => void;
}

interface Windows {
  add(batch: MessageBatch): void;
  /** Removes and returns the windows, in order of time. */
  take(): Iterable<StoredWindow>;
}

/**
 * Yields the windows of the range that have data, in order of time.
 * @param folder of the archive
 * @throws Reto3Error RETO3_REPORT_FAILED, and errors of reading the archive
 */
export async function* replay(
  folder: string,
  report: Report,
  period: Period,
  range: ReplayRange,
  { onProgress }: ReplayOptions = {},
): AsyncGenerator<StoredWindow> {
  const isCount = report.name === countName;
  const windows = isCount ? new Counts(period) : new Accumulated(report, period);
  const parts = isCount ? 'time' : report.needs;
  let hour = 0;
  let messages = 0;
  for await (const batch of readArchive(folder, arrivalsFor(report, range), parts)) {
    const batchHour = alignDown(batch.arrivedMs[0] ?? 0, hourMs);
    // The range consists of whole windows, so all windows of this hour are in it.
    if (batchHour !== hour && report.timeOf === undefined) yield* windows.take();
    hour = batchHour;
    windows.add(batch);
    messages += batch.length;
    onProgress?.(messages);
  }
  for (const window of windows.take())
    if (window.start >= range.from && window.start < range.to) yield window;
}

/** An upper bound of the number of messages that a replay has to read. */
export function messagesToReplay(folder: string, report: Report, range: ReplayRange): number {
  let messages = 0;
  for (const file of filesIn(folder, arrivalsFor(report, range)))
    messages += file.messages ?? messagesInSegment(join(folder, file.path));
  return messages;
}

/** The range of hours in the archive; undefined if it is empty. */
export function archivedHours(folder: string): ReplayRange | undefined {
  const hours = filesIn(folder, { from: 0, to: largestTime }).map(({ hour }) => hour);
  const [first, last] = [hours[0], hours.at(-1)];
  return first === undefined || last === undefined ? undefined : { from: first, to: last + hourMs };
}

/** A log that messages of the replay were imported from; undefined without any. */
export async function importedLog(
  folder: string,
  report: Report,
  range: ReplayRange,
): Promise<string | undefined> {
  for await (const { length, source } of readArchive(folder, arrivalsFor(report, range), 'source'))
    for (let row = 0; row < length; row++) {
      const log = source(row);
      if (log !== undefined) return log;
    }
  return undefined;
}

/**
 * The arrival times to read. If the report has its own time stamps, any message may belong to the
 * range.
 */
function arrivalsFor({ timeOf }: Report, range: ReplayRange): ReplayRange {
  return timeOf === undefined ? range : { from: 0, to: largestTime };
}

/** 0 if the segment was converted or deleted meanwhile; that only affects a progress bar. */
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

const noHeaders: Message['headers'] = {};

/** A message whose fields are decoded on access. */
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

  get host(): string {
    return this.#batch.host(this.#row);
  }

  get client(): string {
    return this.#batch.client(this.#row);
  }

  get headers(): Message['headers'] {
    return noHeaders;
  }

  get status(): number | undefined {
    return this.#batch.status(this.#row);
  }

  get durationMs(): number | undefined {
    return this.#batch.durationMs(this.#row);
  }

  get source(): string | undefined {
    return this.#batch.source(this.#row);
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
      // A new object per message, because reports may cache by identity.
      for (; row < batch.length; row++) accumulators.add(new ArchivedRow(batch, row));
    } catch (error) {
      const at = timeText(batch.arrivedMs[row] ?? 0);
      throw this.#failed(`at a message that arrived at ${at}`, error);
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
        throw this.#failed(`at the window ${timeText(start)}`, error);
      }
      yield { start, bytes };
    }
  }

  #failed(where: string, cause: unknown): Reto3Error {
    const message = `cannot run report "${this.#report.name}" ${where}: ${messageOf(cause)}`;
    return new Reto3Error('RETO3_REPORT_FAILED', message, { cause });
  }
}
