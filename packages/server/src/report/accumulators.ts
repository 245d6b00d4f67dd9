/**
 * The accumulators of one report, one for each window: what a worker fills between two hand-overs,
 * and what a replay over the archive fills from its first message to its last.
 */
import { alignDown, type Period } from '../period.ts';
import { largestTime } from '../store/keys.ts';
import { type Message, mostAccumulatorBytes, type Report } from './contract.ts';

/** Encoded accumulators as columns, for a window each; the buffers may be transferred. */
export interface Parts {
  /** Start of the window, epoch ms. */
  readonly starts: Float64Array;
  /** Where its bytes end; they begin where those of the one before end. */
  readonly ends: Uint32Array;
  readonly bytes: Uint8Array;
}

export class Accumulators<Accumulator> {
  readonly #report: Report<Accumulator>;
  readonly #windowMs: number;
  readonly #byStart = new Map<number, Accumulator>();
  /** The window that was added to last; nearly always the one that is added to next. */
  #recentStart = Number.NaN;
  #recent: Accumulator | undefined;

  constructor(report: Report<Accumulator>, period: Period) {
    this.#report = report;
    this.#windowMs = period.windowMs;
  }

  /** How many windows have an accumulator. */
  get size(): number {
    return this.#byStart.size;
  }

  /** Adds a message to its window. @throws what the report throws */
  add(message: Message): void {
    const report = this.#report;
    const time = report.timeOf?.(message) ?? message.arrivedMs;
    if (!(time >= 0 && time <= largestTime))
      throw new RangeError(`timeOf gave ${time}, want epoch ms`);
    const start = alignDown(time, this.#windowMs);
    if (start !== this.#recentStart || this.#recent === undefined) {
      this.#recent = this.#byStart.get(start) ?? this.#begin(start);
      this.#recentStart = start;
    }
    report.add(this.#recent, message);
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
