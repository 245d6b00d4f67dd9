/**
 * The largest value of the last seconds, from the largest value of each second. Reading does not
 * reset it, so two Prometheus servers see the same.
 */
import type { MonotonicMs } from '../clock.ts';

const secondMs = 1_000;

export class RecentPeak {
  /** The longest span that `over` accepts, in seconds. */
  readonly reachSeconds: number;
  readonly #peaks: Float64Array;
  /** The second of each peak. */
  readonly #seconds: Float64Array;

  constructor(reachSeconds: number) {
    this.reachSeconds = reachSeconds;
    // One more for the current second.
    this.#peaks = new Float64Array(reachSeconds + 1);
    this.#seconds = new Float64Array(reachSeconds + 1).fill(Number.NEGATIVE_INFINITY);
  }

  record(now: MonotonicMs, value: number): void {
    const second = Math.floor(now / secondMs);
    const at = second % this.#peaks.length;
    if (this.#seconds[at] !== second) {
      this.#seconds[at] = second;
      this.#peaks[at] = 0;
    }
    this.#peaks[at] = Math.max(this.#peaks[at] ?? 0, value);
  }

  /** The largest value of the last `seconds` to `seconds + 1` seconds; 0 if there is none. */
  over(seconds: number, now: MonotonicMs): number {
    if (seconds > this.reachSeconds)
      throw new RangeError(`got ${seconds} s, want at most ${this.reachSeconds}`);
    const oldest = Math.floor(now / secondMs) - seconds;
    let peak = 0;
    for (const [at, second] of this.#seconds.entries()) {
      if (second >= oldest) peak = Math.max(peak, this.#peaks[at] ?? 0);
    }
    return peak;
  }
}
