/**
 * The accumulators of one report, one for each window: what a worker fills between two hand-overs,
 * and what a replay over the archive fills from its first message to its last.
 */
import { alignDown, largestTime, type Period } from '@reto3/core';
import { type Message, mostAccumulatorBytes, type Report } from './contract.ts';

/** Encoded accumulators as columns, for a window each; the buffers may be transferred. */
export interface Parts {
  /** Start of the window, epoch ms. */
  readonly starts: Float64Array;
  /** Where its bytes end; they begin where those of the one before end. */
  readonly ends: Uint32Array;
  readonly bytes: Uint8Array;
}

/**
 * A message may name a time of its own, and whoever sends it chooses that: it is believed where a
 * clock that is wrong, or a client that held the message back, may explain it. Otherwise stamps of
 * the year 3000 would lie on the disk until then.
 */
const mostAheadMs = 60_000;
/** As long as ms10 windows are kept by default; what is older would soon be deleted. */
const mostBehindMs = 30 * 24 * 3_600_000;

export class Accumulators<Accumulator> {
  readonly #mostWindows: number;
  readonly #report: Report<Accumulator>;
  readonly #windowMs: number;
  readonly #byStart = new Map<number, Accumulator>();
  /** The window that was added to last; nearly always the one that is added to next. */
  #recentStart = Number.NaN;
  #recent: Accumulator | undefined;

  /** @param mostWindows so many are begun between two times that they are drained */
  constructor(
    report: Report<Accumulator>,
    period: Period,
    mostWindows: number = Number.POSITIVE_INFINITY,
  ) {
    this.#mostWindows = mostWindows;
    this.#report = report;
    this.#windowMs = period.windowMs;
  }

  /** How many windows have an accumulator. */
  get size(): number {
    return this.#byStart.size;
  }

  /**
   * Adds a message to its window: that of the time which it names, or of its arrival where that time
   * cannot be, or would begin one window too many. @throws what the report throws
   */
  add(message: Message): void {
    const report = this.#report;
    const { arrivedMs } = message;
    const time = report.timeOf?.(message) ?? arrivedMs;
    if (!(time >= 0 && time <= largestTime))
      throw new RangeError(`timeOf gave ${time}, want epoch ms`);
    const isPossible = time >= arrivedMs - mostBehindMs && time <= arrivedMs + mostAheadMs;
    const isPlaced = isPossible && this.#goTo(alignDown(time, this.#windowMs), this.#mostWindows);
    if (!isPlaced) this.#goTo(alignDown(arrivedMs, this.#windowMs), Number.POSITIVE_INFINITY);
    if (this.#recent === undefined) throw new Error('BUG: a message without a window');
    report.add(this.#recent, message, !isPlaced);
  }

  /** Whether the window is there, or could be begun; it is the recent one then. */
  #goTo(start: number, mostWindows: number): boolean {
    if (start === this.#recentStart && this.#recent !== undefined) return true;
    const known = this.#byStart.get(start);
    if (known === undefined && this.size >= mostWindows) return false;
    this.#recent = known ?? this.#begin(start);
    this.#recentStart = start;
    return true;
  }

  /** The windows in order of time. */
  entries(): (readonly [start: number, accumulator: Accumulator])[] {
    return [...this.#byStart].sort(([a], [b]) => a - b);
  }

  /**
   * All of them, encoded; begins anew with none.
   * @throws what the report throws, RangeError where an accumulator is too large
   */
  drain(): Parts {
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

/** The bytes of an accumulator. @throws RangeError where they are too many; what encode throws */
export function encodeBounded<Accumulator>(
  report: Report<Accumulator>,
  accumulator: Accumulator,
): Uint8Array {
  const bytes = report.encode(accumulator);
  if (!(bytes instanceof Uint8Array))
    throw new TypeError(`encode gave ${typeof bytes}, want a Uint8Array`);
  if (bytes.length <= mostAccumulatorBytes) return bytes;
  throw new RangeError(
    `an accumulator has ${bytes.length} bytes, want at most ${mostAccumulatorBytes}`,
  );
}
