/**
 * The lines of one followed file: detects their format, and counts them in windows of 10 ms. A parser
 * may need earlier lines, such as a header, so a resumed file is reread from its start without
 * counting if its format requires it.
 */
import { alignDown, type Moment, ms10 } from '@reto3/core';
import type { Fit } from '../detect.ts';
import { type LogFormat, type Reason, Stamp } from '../format.ts';
import { LineCutter } from '../line-cutter.ts';
import {
  countedTime,
  momentOf,
  onlyOf,
  type Plan,
  quickFitOf,
  sampleOf,
  type Way,
  wayOf,
} from '../plan.ts';

/** Times further in the future are not times of requests: no clock is that wrong. */
const mostAheadMs = 86_400_000;

export interface LineEvents {
  skipped(reason: Reason, bytes: Uint8Array, from: number, to: number): void;
}

/** The counts of some lines. */
export interface Batch {
  /** Which moment of their requests is counted. */
  readonly moment: Moment;
  /** Messages by the start of their ms10 window, epoch ms. */
  readonly counts: Map<number, number>;
  lines: number;
  messages: number;
  /** Epoch ms; Infinity and -Infinity without a message. */
  oldest: number;
  newest: number;
}

export class FollowedLines {
  readonly format: LogFormat;
  readonly moment: Moment;
  readonly #way: Way;
  readonly #cutter: LineCutter;
  readonly #events: LineEvents;
  readonly #stamp = new Stamp();
  #digits: number;
  #nowMs = 0;
  /** Absent while rereading lines counted before. */
  #batch: Batch | undefined;

  private constructor(fit: Fit, way: Way, plan: Plan, events: LineEvents) {
    this.format = fit.format;
    this.moment = momentOf(fit.format, way);
    this.#way = way;
    this.#digits = fit.digits;
    this.#events = events;
    const parser = fit.format.parser(plan.parser);
    const line = (bytes: Uint8Array, from: number, to: number): void => {
      const reason =
        from === to ? 'a blank line' : (parser.parse(bytes, from, to, this.#stamp) ?? this.#add());
      this.#took(reason, bytes, from, to);
    };
    const inner = fit.wrapper?.open();
    this.#cutter = new LineCutter(
      inner === undefined
        ? line
        : (bytes, from, to) => {
            const reason = inner.unwrap(bytes, from, to, line);
            if (reason === undefined) return;
            this.#took(from === to ? 'a blank line' : reason, bytes, from, to);
          },
      () => this.#took('a length of more than 1 MiB', Buffer.alloc(0), 0, 0),
    );
  }

  /**
   * @param head the first lines of the file
   * @param isAll whether more lines would not help
   * @param counted the moment by which earlier lines of the file are counted, if it is known
   * @returns undefined if they have no known format
   * @throws Reto3Error RETO3_BAD_FLAG
   */
  static of(
    name: string,
    head: Buffer,
    isAll: boolean,
    plan: Plan,
    events: LineEvents,
    counted: Moment | undefined,
  ): FollowedLines | undefined {
    const { candidates, parser } = plan;
    const finding = { ...parser, startMs: parser.startMs ?? 0 };
    const found = quickFitOf(sampleOf(head), candidates, finding);
    const fit = found ?? (isAll ? onlyOf(candidates) : undefined);
    if (fit === undefined) return undefined;
    return new FollowedLines(fit, wayOf(name, fit, plan, counted), plan, events);
  }

  /** Whether the clock ticks in seconds, judging by all lines so far. */
  get secondsOnly(): boolean {
    return this.#digits < 2;
  }

  /** Rereads whole lines counted before. */
  prime(chunk: Buffer): void {
    this.#cutter.write(chunk);
  }

  /** Reads whole lines. */
  read(chunk: Buffer, nowMs: number): Batch {
    const batch: Batch = {
      ...{ moment: this.moment, counts: new Map(), lines: 0, messages: 0 },
      ...{ oldest: Number.POSITIVE_INFINITY, newest: Number.NEGATIVE_INFINITY },
    };
    this.#nowMs = nowMs;
    this.#batch = batch;
    this.#cutter.write(chunk);
    this.#batch = undefined;
    return batch;
  }

  #add(): Reason | undefined {
    const ms = countedTime(this.#stamp, this.#way);
    if (typeof ms !== 'number') return ms;
    const batch = this.#batch;
    if (batch === undefined) return undefined;
    if (ms > this.#nowMs + mostAheadMs) return 'a time out of range';
    this.#digits = Math.max(this.#digits, this.#stamp.time.digits);
    const window = alignDown(ms, ms10.windowMs);
    batch.counts.set(window, (batch.counts.get(window) ?? 0) + 1);
    batch.messages++;
    if (ms < batch.oldest) batch.oldest = ms;
    if (ms > batch.newest) batch.newest = ms;
    return undefined;
  }

  #took(reason: Reason | undefined, bytes: Uint8Array, from: number, to: number): void {
    if (this.#batch === undefined) return;
    this.#batch.lines++;
    if (reason !== undefined) this.#events.skipped(reason, bytes, from, to);
  }
}
