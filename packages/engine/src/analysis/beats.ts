/**
 * The beats of a range: the period of its rhythm (rhythm.ts), and the time of one of its newest
 * beats.
 *
 * The time comes from folding: counts that are whole periods apart are added up, so that all beats
 * coincide (D. A. Leahy et al., Astrophysical Journal 266, 1983, for pulsars).
 */
import { alignDown, ms10 } from '@reto3/core';
import { type Rhythm, RhythmFinder } from './rhythm.ts';
import type { Series } from './series.ts';

export interface Beat {
  /** The time between two beats, with a fraction. */
  readonly periodMs: number;
  /** The time of one of the newest beats, epoch ms; the others are whole periods away. */
  readonly at: number;
  /** The probability that it is not chance, 0 to 1. */
  readonly confidence: number;
}

/** Only the newest day of a range is searched; a month would take a minute of a core. */
const mostMs = 86_400_000;
/** Counts are clipped to twice the rise, so that no burst outweighs all others. */
const clipOfRise = 2;
/**
 * Periods folded into one: enough to see beats in noise, few enough that they do not drift apart.
 */
const foldedPeriods = 32;
/** The limit for long periods, in windows: 164 s, but at least five periods. */
const foldedWindows = 16_384;
const leastFoldedPeriods = 5;

/** Call `add` with each counted window, oldest first, then `end`. */
export class BeatFinder {
  readonly #series: Series;
  readonly #from: number;
  readonly #rhythm: RhythmFinder;

  /**
   * @param median of the counts
   * @param rise the messages in 10 ms that independent clients would hardly reach
   */
  constructor(series: Series, median: number, rise: number) {
    this.#series = series;
    this.#from = Math.max(series.from, series.to - mostMs);
    const windows = (series.to - this.#from) / ms10.windowMs;
    this.#rhythm = new RhythmFinder(windows, median, clipOfRise * rise);
  }

  add(start: number, count: number): void {
    if (start >= this.#from) this.#rhythm.add((start - this.#from) / ms10.windowMs, count);
  }

  /** The beats: one, or none without a rhythm. Reads the series once more if it has one. */
  async end(): Promise<Beat[]> {
    const rhythm = this.#rhythm.end();
    if (rhythm === undefined) return [];
    const phase = new Phase(rhythm);
    await this.#series.each((start, count) => {
      if (start >= this.#from) phase.add((start - this.#from) / ms10.windowMs, count);
    });
    const at = this.#from + Math.round(phase.end()) * ms10.windowMs;
    const { period, confidence } = rhythm;
    return [{ periodMs: period * ms10.windowMs, at, confidence }];
  }
}

/**
 * Finds the time of a beat of a known rhythm: folds stretch by stretch, keeps the newest clear one.
 */
class Phase {
  readonly #period: number;
  readonly #width: number;
  readonly #stretch: number;
  readonly #folded: Float64Array;
  #from = 0;
  #last = 0;
  #best = { at: 0, contrast: 0 };

  constructor({ period, width }: Rhythm) {
    this.#period = period;
    this.#width = width;
    const usual = Math.min(foldedPeriods * period, foldedWindows);
    this.#stretch = Math.ceil(Math.max(usual, leastFoldedPeriods * period));
    this.#folded = new Float64Array(Math.round(period));
  }

  add(index: number, count: number): void {
    const from = alignDown(index, this.#stretch);
    if (from !== this.#from) {
      this.#endStretch();
      this.#from = from;
    }
    this.#last = index;
    // Rounded, since half a window more or less is the same beat.
    const bins = this.#folded.length;
    const bin = Math.round((((index - from) % this.#period) / this.#period) * bins) % bins;
    this.#folded[bin] = (this.#folded[bin] ?? 0) + count;
  }

  /** The index of the window, with a fraction, of one of the newest beats. */
  end(): number {
    this.#endStretch();
    return this.#best.at;
  }

  #endStretch(): void {
    this.#judgeStretch();
    this.#folded.fill(0);
  }

  #judgeStretch(): void {
    const bins = this.#folded.length;
    const width = Math.min(this.#width, bins);
    const total = this.#folded.reduce((sum, count) => sum + count, 0);
    const at = (bin: number): number => this.#folded[(bin + bins) % bins] ?? 0;
    let sum = 0;
    for (let bin = 0; bin < width; bin++) sum += at(bin);
    let largest = { first: 0, sum };
    for (let first = 1; first < bins; first++) {
      sum += at(first + width - 1) - at(first - 1);
      if (sum > largest.sum) largest = { first, sum };
    }
    const expected = (total * width) / bins;
    const contrast = (largest.sum - expected) / Math.sqrt(expected + 1);
    if (contrast < this.#best.contrast / 2 || contrast <= 0) return;
    let moment = 0;
    for (let bin = 0; bin < width; bin++) moment += bin * at(largest.first + bin);
    const first = this.#from + ((largest.first + moment / largest.sum) * this.#period) / bins;
    const whole = Math.max(0, Math.floor((this.#last - first) / this.#period));
    this.#best = {
      at: first + whole * this.#period,
      contrast: Math.max(contrast, this.#best.contrast),
    };
  }
}
