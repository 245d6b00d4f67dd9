/**
 * The accumulators of one report, one per window. A worker fills them between two flushes; a replay
 * of an archive, from the first message to the last.
 */
import { alignDown, largestTime, type Period } from '@reto3/core';
import { type Message, maxAccumulatorBytes, maxLatenessMs, type Report } from './contract.ts';

/** Encoded accumulators as columns with an element per window. The buffers may be transferred. */
export interface EncodedAccumulators {
  /** Start of each window, epoch ms. */
  readonly starts: Float64Array;
  /** The end of each window's bytes, which follow those of the previous window. */
  readonly ends: Uint32Array;
  readonly bytes: Uint8Array;
}

/**
 * How far a message's own time may be ahead of its arrival. Clients choose it, and a wrong clock
 * may explain a minute; a window of the year 3000 would stay on disk until then.
 */
const maxAheadMs = 60_000;

export class Accumulators<Accumulator> {
  readonly #maxWindows: number;
  readonly #maxLatenessMs: number;
  readonly #report: Report<Accumulator>;
  readonly #windowMs: number;
  readonly #byStart = new Map<number, Accumulator>();
  /** The window of the last message, which is nearly always that of the next one. */
  #recentStart = Number.NaN;
  #recent: Accumulator | undefined;

  /**
   * @param maxWindows the windows that may be created between two calls of `drain`
   * @param keptMs how long windows of the period are kept; one that is older would be deleted at once
   */
  constructor(
    report: Report<Accumulator>,
    period: Period,
    maxWindows: number = Number.POSITIVE_INFINITY,
    keptMs: number = Number.POSITIVE_INFINITY,
  ) {
    this.#maxWindows = maxWindows;
    this.#maxLatenessMs = Math.min(report.allowedLatenessMs ?? maxLatenessMs, keptMs);
    this.#report = report;
    this.#windowMs = period.windowMs;
  }

  /** The number of windows that have an accumulator. */
  get size(): number {
    return this.#byStart.size;
  }

  /**
   * Adds a message to the window that `timeOf` names; to that of its arrival if the time is
   * implausible or would create one window too many.
   * @throws what the report throws; RangeError if `timeOf` returns no time
   */
  add(message: Message): void {
    const report = this.#report;
    const { arrivedMs } = message;
    const time = report.timeOf?.(message) ?? arrivedMs;
    if (!(time >= 0 && time <= largestTime))
      throw new RangeError(`timeOf returned ${time}, want epoch ms`);
    const isPossible = time >= arrivedMs - this.#maxLatenessMs && time <= arrivedMs + maxAheadMs;
    const isPlaced = isPossible && this.#goTo(alignDown(time, this.#windowMs), this.#maxWindows);
    if (!isPlaced) this.#goTo(alignDown(arrivedMs, this.#windowMs), Number.POSITIVE_INFINITY);
    if (this.#recent === undefined) throw new Error('BUG: a message without a window');
    report.add(this.#recent, message, !isPlaced);
  }

  /** Makes this window the recent one; false if it would be one too many. */
  #goTo(start: number, maxWindows: number): boolean {
    if (start === this.#recentStart && this.#recent !== undefined) return true;
    const known = this.#byStart.get(start);
    if (known === undefined && this.size >= maxWindows) return false;
    this.#recent = known ?? this.#begin(start);
    this.#recentStart = start;
    return true;
  }

  /** The windows, oldest first. */
  entries(): (readonly [start: number, accumulator: Accumulator])[] {
    return [...this.#byStart].sort(([a], [b]) => a - b);
  }

  /**
   * Encodes and removes all accumulators.
   * @throws what the report throws, RangeError if an accumulator is too large
   */
  drain(): EncodedAccumulators {
    const encoded = [...this.#byStart].map(
      ([start, accumulator]) => [start, encodeBounded(this.#report, accumulator)] as const,
    );
    this.#byStart.clear();
    this.#recent = undefined;
    this.#recentStart = Number.NaN;
    let end = 0;
    const ends = Uint32Array.from(encoded, ([, bytes]) => (end += bytes.length));
    const bytes = new Uint8Array(end);
    for (const [index, [, part]] of encoded.entries())
      bytes.set(part, (ends[index] ?? 0) - part.length);
    return { starts: Float64Array.from(encoded, ([start]) => start), ends, bytes };
  }

  #begin(start: number): Accumulator {
    const accumulator = this.#report.create();
    this.#byStart.set(start, accumulator);
    return accumulator;
  }
}

/**
 * Encodes an accumulator.
 * @param wantedBytes a report with a key sums up small keys to stay within it
 * @throws RangeError above `maxAccumulatorBytes`; TypeError if `encode` returns no bytes; what it
 * throws
 */
export function encodeBounded<Accumulator>(
  report: Report<Accumulator>,
  accumulator: Accumulator,
  wantedBytes = maxAccumulatorBytes,
): Uint8Array {
  const bytes = report.encode(accumulator, wantedBytes);
  if (!(bytes instanceof Uint8Array))
    throw new TypeError(`encode returned ${typeof bytes}, want a Uint8Array`);
  // A copy, since the report may encode into the same memory again.
  if (bytes.length <= maxAccumulatorBytes) return new Uint8Array(bytes);
  throw new RangeError(
    `an accumulator has ${bytes.length} bytes, want at most ${maxAccumulatorBytes}`,
  );
}
