/**
 * How a series varies at one window length: mean, variance, peak and index of dispersion, computed
 * in one pass with a few numbers in memory. docs/bursts.md has the formulae and their sources.
 */
import { alignDown, ms10 } from '@reto3/core';

export interface ScaleSummary {
  /** Length of the windows in milliseconds. */
  readonly windowMs: number;
  /** Windows without a gap in them; the others are left out of all numbers. */
  readonly windows: number;
  /** Messages per window; 0 without windows. */
  readonly mean: number;
  /** Sample variance; 0 with fewer than two windows. */
  readonly variance: number;
  /** Index of dispersion, variance ÷ mean: 1 for Poisson, 0 for a clock; 0 if the mean is 0. */
  readonly dispersion: number;
  /** The largest window, the first one of several; `start` in epoch ms. */
  readonly peak: { readonly start: number; readonly count: number };
  /** Peak ÷ mean; 0 if the mean is 0. */
  readonly peakToMean: number;
}

export class Scale {
  readonly #windowMs: number;
  /** The ms10 windows in one window. */
  readonly #parts: number;
  #start = Number.NaN;
  #partsSeen = 0;
  #sum = 0;
  #windows = 0;
  #total = 0;
  /** The running mean, with rounding errors; `summary` computes the exact one. */
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
    // A window with a part in a gap, or outside the range, is not comparable.
    if (this.#partsSeen === this.#parts) this.#take(this.#sum);
  }

  /** Updates mean and squares (B. P. Welford, Technometrics 4, 1962). */
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
