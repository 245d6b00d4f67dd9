/**
 * Finds the rhythm of a series: bursts that repeat at an even distance, as cron jobs and retry loops
 * make them. One pass, in bounded memory.
 *
 * The counts, clipped so that no single burst outweighs the rest, have an autocorrelation r. A beat
 * of period p lifts r at p, 2p, 3p …, and not halfway between them, so the contrast
 *
 *     S(p) = Σ r(m·p) − ½·r((m − ½)·p) − ½·r((m + ½)·p),   m = 1 … M
 *
 * is large at p and at no fraction of it; what declines steadily, as trends and lone bursts do, adds
 * nothing to it. Jitter widens the peaks, so S is computed of r smoothed over 10, 20, 40 … ms as
 * well: of the series in longer windows. Of all p and all widths the largest S in units of its
 * standard error wins.
 *
 * Without a beat S is normal with variance (2M − ½)·V ÷ n, where V = Σ r²(v) over |v| < p ÷ 2
 * (M. S. Bartlett, On the theoretical specification and sampling properties of autocorrelated
 * time-series, J. Royal Statistical Society Suppl. 8, 1946). Sparse counts have heavier tails: the
 * bound is raised by their kurtosis (E. A. Cornish, R. A. Fisher, Moments and cumulants in the
 * specification of distributions, 1937). The confidence pays for every p and width that was tried
 * (Bonferroni), so of ten thousand ranges of independent clients at most one has a rhythm.
 */
import { Autocorrelation } from './autocorrelation.ts';

/** The periods that are looked for, in windows of 10 ms: 100 ms to a minute. */
const leastPeriod = 10;
const mostPeriod = 6_000;
/** Fewer beats than that are a coincidence. */
const leastBeats = 5;
/** Multiples of the period that count: more would blur a period that wanders. */
const mostMultiples = 4;
/** 164 s: two and a half of the longest period, transformed in 2 ms. */
const mostLags = 16_384;
const confidenceWanted = 0.9999;
/** A period, in windows, and how wide its peaks are. */
export interface Rhythm {
  readonly period: number;
  /** Windows. */
  readonly width: number;
  /** That it is not chance, 0 to 1. */
  readonly confidence: number;
}

/** The largest contrast of a width. */
interface Contrast {
  readonly period: number;
  readonly width: number;
  readonly multiples: number;
  /** In standard errors. */
  readonly z: number;
  /** How many windows in a row vary together, by r below half the period. */
  readonly clump: number;
}

/** Takes the counts of windows, and finds their rhythm. */
export class RhythmFinder {
  readonly #windows: number;
  readonly #most: number;
  readonly #correlation: Autocorrelation;
  #counted = 0;
  /** Sums of powers of the difference to `#origin`. */
  readonly #origin: number;
  readonly #powers: [number, number, number, number] = [0, 0, 0, 0];

  /**
   * @param windows how many there are at most, gaps included
   * @param median of the counts
   * @param most what a count is clipped to
   */
  constructor(windows: number, median: number, most: number) {
    this.#windows = windows;
    this.#origin = median;
    this.#most = most;
    const lags = Math.min(mostLags, 2 ** Math.ceil(Math.log2(Math.max(windows, 2))));
    this.#correlation = new Autocorrelation(lags);
  }

  /** @param index of the window, ascending from 0 */
  add(index: number, count: number): void {
    const clipped = Math.min(count, this.#most);
    this.#correlation.add(index, clipped);
    this.#counted++;
    const difference = clipped - this.#origin;
    const square = difference * difference;
    this.#powers[0] += difference;
    this.#powers[1] += square;
    this.#powers[2] += square * difference;
    this.#powers[3] += square * square;
  }

  /** Ends the series. Undefined if nothing repeats that chance would not explain. */
  end(): Rhythm | undefined {
    const sums = this.#correlation.end();
    const [variance = 0] = sums;
    if (!(variance > 0)) return undefined;
    const r = sums.map((sum) => sum / variance);
    const best = this.#strongest(r);
    if (best === undefined || best.confidence < confidenceWanted) return undefined;
    const { width, confidence } = best;
    return { period: refinedPeriod(smoothed(r, width), best), width, confidence };
  }

  #strongest(r: Float64Array): (Contrast & Pick<Rhythm, 'confidence'>) | undefined {
    const longest = Math.min(mostPeriod, Math.floor(this.#windows / leastBeats));
    const contrasts: Contrast[] = [];
    let tried = 0;
    for (let width = 1; 8 * width <= longest; width *= 2) {
      const largest = this.#largestContrast(smoothed(r, width), width, longest);
      tried += largest.tried;
      contrasts.push(largest);
    }
    if (tried === 0) return undefined;
    const bound = normalBound((1 - confidenceWanted) / tried);
    const kurtosis = this.#excessKurtosis();
    const squares = sumsOfSquares(r);
    // In units of what chance would hardly exceed.
    const excessOf = ({ z, period, width, multiples, clump }: Contrast): number => {
      // Sums of independent windows approach the normal; those of one burst do not.
      const single = squares[Math.floor(period / 2)] ?? 1;
      const ofSums = 3 + kurtosis * Math.min(1, single / width);
      const ofProducts = (ofSums ** 2 * clump) / this.#counted;
      const ofSum = ofProducts / (2 * multiples - 0.5);
      return z / (bound + ((bound ** 3 - 3 * bound) / 24) * ofSum);
    };
    const [best] = contrasts.sort((a, b) => excessOf(b) - excessOf(a));
    if (best === undefined) return undefined;
    return { ...best, confidence: 1 - Math.min(1, tried * normalTail(bound * excessOf(best))) };
  }

  #largestContrast(
    r: Float64Array,
    width: number,
    longest: number,
  ): Contrast & { readonly tried: number } {
    const shortest = Math.max(leastPeriod, (width <= 2 ? 4 : 8) * width);
    const squares = sumsOfSquares(r);
    const variance = (r[0] ?? 0) ** 2;
    let largest = { period: shortest, width, multiples: 1, z: Number.NEGATIVE_INFINITY, clump: 1 };
    let tried = 0;
    for (let period = shortest; period <= longest; period += width / mostMultiples) {
      const reach = Math.min(r.length - width, this.#windows) / period;
      const multiples = Math.min(mostMultiples, Math.floor(reach - 0.5));
      if (multiples < 1) break;
      tried++;
      const sum = squares[Math.floor(period / 2)] ?? 0;
      const error = Math.sqrt(((2 * multiples - 0.5) * sum) / this.#counted);
      const z = contrast(r, period, multiples) / error;
      if (z > largest.z) largest = { period, width, multiples, z, clump: sum / variance };
    }
    return { ...largest, tried };
  }

  #excessKurtosis(): number {
    const [m1 = 0, m2 = 0, m3 = 0, m4 = 0] = this.#powers.map((sum) => sum / this.#counted);
    const variance = m2 - m1 ** 2;
    const central = m4 - 4 * m1 * m3 + 6 * m1 ** 2 * m2 - 3 * m1 ** 4;
    return variance > 0 ? Math.max(0, central / variance ** 2 - 3) : 0;
  }
}

function contrast(r: Float64Array, period: number, multiples: number): number {
  const at = (lag: number): number => r[Math.round(lag)] ?? 0;
  let sum = 0;
  for (let m = 1; m <= multiples; m++)
    sum += at(m * period) - (at((m - 0.5) * period) + at((m + 0.5) * period)) / 2;
  return sum;
}

/**
 * r of the series summed over `width` windows: weighted with a triangle (as Σ of Σ), not divided. r
 * is even, and 0 beyond its end.
 */
function smoothed(r: Float64Array, width: number): Float64Array {
  if (width === 1) return r;
  const length = r.length + 2 * width;
  const at = (index: number): number => r[Math.abs(index - width)] ?? 0;
  const once = runningSums(length, width, at);
  const twice = runningSums(length, width, (index) => once[index] ?? 0);
  return twice.subarray(2 * width - 1, 2 * width - 1 + r.length);
}

/** For each index the sum of it and the values before it, `width` in all. */
function runningSums(length: number, width: number, at: (index: number) => number): Float64Array {
  const sums = new Float64Array(length);
  let sum = 0;
  for (let index = 0; index < length; index++) {
    sum += at(index) - (index >= width ? at(index - width) : 0);
    sums[index] = sum;
  }
  return sums;
}

/** For each lag, Σ r² over all shorter ones, of either sign. */
function sumsOfSquares(r: Float64Array): Float64Array {
  let sum = (r[0] ?? 0) ** 2;
  return r.map((value, lag) => {
    if (lag === 0) return sum;
    const before = sum;
    sum += 2 * value ** 2;
    return before;
  });
}

/**
 * The period, from ever higher multiples of it: an error of a multiple is an error of the period as
 * many times smaller. Ends where the peaks do, since a period that wanders has none far out.
 */
function refinedPeriod(r: Float64Array, { period, width, multiples }: Contrast): number {
  // The contrast at a single multiple has to be half of what it was at the first ones.
  const wanted = contrast(r, period, multiples) / multiples / 2;
  let refined = peakNear(r, period, width);
  for (let m = 2; (m + 0.5) * refined + width < r.length; m *= 2) {
    const peak = peakNear(r, m * refined, width);
    const beside =
      ((r[Math.round(peak - refined / 2)] ?? 0) + (r[Math.round(peak + refined / 2)] ?? 0)) / 2;
    if ((r[Math.round(peak)] ?? 0) - beside < wanted) break;
    refined = peak / m;
  }
  return refined;
}

/** Where the peak within `width` of a lag is, between its samples by a parabola. */
function peakNear(r: Float64Array, lag: number, width: number): number {
  const middle = Math.round(lag);
  let peak = middle;
  for (let at = middle - width; at <= middle + width; at++)
    if ((r[at] ?? 0) > (r[peak] ?? 0)) peak = at;
  const [before = 0, top = 0, after = 0] = [r[peak - width], r[peak], r[peak + width]];
  const bend = before - 2 * top + after;
  return bend < 0 ? peak + (width * (before - after)) / (2 * bend) : peak;
}

/** P(X > z) of a standard normal X, at most: density ÷ z (R. D. Gordon, 1941). */
function normalTail(z: number): number {
  return z <= 0 ? 1 : Math.exp(-(z * z) / 2) / (z * Math.sqrt(2 * Math.PI));
}

/** The z whose tail is `chance`, below ½. */
function normalBound(chance: number): number {
  let [low, high] = [0, 40];
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (normalTail(middle) > chance) low = middle;
    else high = middle;
  }
  return high;
}
