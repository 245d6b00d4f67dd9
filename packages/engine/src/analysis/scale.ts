/**
 * How a series varies at one length of window: mean, variance, peak and index of dispersion. One
 * pass, a few numbers in memory. docs/bursts.md has the formulae and their sources.
 */
import { alignDown, ms10 } from '@reto3/core';

export interface ScaleSummary {
  /** Length of the windows in milliseconds. */
  readonly windowMs: number;
  /** How many windows were counted from their start to their end. */
  readonly windows: number;
  /** Messages a window; 0 where there is no window. */
  readonly mean: number;
  /** Sample variance; 0 where there are fewer than two windows. */
  readonly variance: number;
  /** Variance ÷ mean: 1 for Poisson, 0 for a clock; 0 where the mean is. */
  readonly dispersion: number;
  /** The first of the largest windows. */
  readonly peak: { readonly start: number; readonly count: number };
  /** Peak ÷ mean; 0 where the mean is. */
  readonly peakToMean: number;
}

export class Scale {
  readonly #windowMs: number;
  /** How many ms10 windows make one. */
  readonly #parts: number;
  #start = Number.NaN;
  #partsSeen = 0;
  #sum = 0;
  #windows = 0;
  #total = 0;
  /** Of the windows so far; rounded a little by each. */
  #mean = 0;
  /** Sum of squared differences from the mean. */
  #squares = 0;
  #peakStart = 0;
  #peakCount = -1;

  /** @param windowMs a multiple of 10 ms; the windows are aligned to the epoch */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
    this.#parts = windowMs / ms10.windowMs;
    if (!Number.isInteger(this.#parts))
      throw new TypeError(`got ${windowMs} ms, want whole windows`);
  }

  /** Takes the next counted ms10 window, oldest first. */
  add(start: number, count: number): void {
    const windowStart = alignDown(start, this.#windowMs);
    if (windowStart !== this.#start) {
      this.#start = windowStart;
      this.#partsSeen = 0;
      this.#sum = 0;
    }
    this.#partsSeen++;
    this.#sum += count;
    // One of which a part is missing, in a gap or beyond the range, says nothing of its length.
    if (this.#partsSeen === this.#parts) this.#take(this.#sum);
  }

  /** Welford's update of mean and squares. */
  #take(count: number): void {
    this.#windows++;
    this.#total += count;
    const difference = count - this.#mean;
    this.#mean += difference / this.#windows;
    this.#squares += difference * (count - this.#mean);
    if (count <= this.#peakCount) return;
    this.#peakCount = count;
    this.#peakStart = this.#start;
  }

  summary(): ScaleSummary {
    const mean = this.#windows === 0 ? 0 : this.#total / this.#windows;
    const variance = this.#windows < 2 ? 0 : this.#squares / (this.#windows - 1);
    const count = Math.max(0, this.#peakCount);
    return {
      windowMs: this.#windowMs,
      windows: this.#windows,
      mean,
      variance,
      dispersion: mean === 0 ? 0 : variance / mean,
      peak: { start: this.#peakStart, count },
      peakToMean: mean === 0 ? 0 : count / mean,
    };
  }
}
