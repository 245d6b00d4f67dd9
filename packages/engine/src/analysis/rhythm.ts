/**
 * Finds the rhythm of a series: bursts that repeat at an even distance, as cron jobs and retry
 * loops cause them. One pass, in bounded memory.
 *
 * Counts are clipped, so that no single burst outweighs the rest; r is their autocorrelation. A
 * beat of period p raises r at p, 2p, 3p …, but not halfway between them. So the contrast
 *
 *     S(p) = Σ r(m·p) − ½·r((m − ½)·p) − ½·r((m + ½)·p),   m = 1 … M
 *
 * is large at p and at no fraction of it. A steady decline of r, as trends and single bursts cause
 * it, adds nothing. Jitter widens the peaks, so S is also computed for r smoothed over 10, 20, 40 …
 * ms, which is r of the series in longer windows. The period and width with the largest S, in units
 * of its standard error, win.
 *
 * Without a beat S is normal with variance (2M − ½)·V ÷ n, where V = Σ r²(v) over |v| < p ÷ 2 (M.
 * S. Bartlett, On the theoretical specification and sampling properties of autocorrelated
 * time-series, J. Royal Statistical Society Suppl. 8, 1946). Sparse counts have heavier tails, so
 * their kurtosis raises the bound (E. A. Cornish, R. A. Fisher, Moments and cumulants in the
 * specification of distributions, 1937). The confidence is corrected for every p and width tried
 * (Bonferroni): in at most one of ten thousand ranges do independent clients seem to have a rhythm.
 */
import { Autocorrelation } from './autocorrelation.ts';

/** The periods of a rhythm, in windows of 10 ms: 100 ms to a minute. */
const leastPeriod = 10;
const mostPeriod = 6_000;
/**
 * Shorter periods are searched too, but not named. A steady rate causes them (at 250/s: 2, 3, 2, 3 …
 * messages), and the contrast at odd multiples of such a period is as large as at the period.
 */
const shortestSearched = 2;
/** Fewer beats may be a coincidence. */
const leastBeats = 5;
/** M: with more multiples of it, a period that drifts would blur. */
const mostMultiples = 4;
/** 164 s: more than two and a half of the longest period, transformed in 2 ms. */
const mostLags = 16_384;
const confidenceWanted = 0.9999;

export interface Rhythm {
  /** Windows of 10 ms, with a fraction. */
  readonly period: number;
  /** The width of its peaks, windows of 10 ms. */
  readonly width: number;
  /** The probability that it is not chance, 0 to 1. */
  readonly confidence: number;
}

/** The largest contrast at one width. */
interface Contrast {
  readonly period: number;
  readonly width: number;
  readonly multiples: number;
  /** S in standard errors. */
  readonly z: number;
  /** V for the smoothed series: how many neighbouring windows vary together. */
  readonly clump: number;
}

/** Call `add` with each counted window, then `end`. */
export class RhythmFinder {
  readonly #windows: number;
  readonly #most: number;
  readonly #correlation: Autocorrelation;
  #counted = 0;
  /** Near the mean, so that the sums of powers lose no precision. */
  readonly #origin: number;
  /** Sums of the first four powers of count − origin. */
  readonly #powers: [number, number, number, number] = [0, 0, 0, 0];

  /**
   * @param windows the length of the range in windows, including gaps
   * @param median of the counts
   * @param most larger counts are clipped to it
   */
  constructor(windows: number, median: number, most: number) {
    this.#windows = windows;
    this.#origin = median;
    this.#most = most;
    const lags = Math.min(mostLags, 2 ** Math.ceil(Math.log2(Math.max(windows, 2))));
    this.#correlation = new Autocorrelation(lags);
  }

  /** @param index of the window in the range, from 0, ascending */
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

  /**
   * The rhythm; undefined if chance explains all that repeats. Call it once, after the last `add`.
   */
  end(): Rhythm | undefined {
    const sums = this.#correlation.end();
    const [variance = 0] = sums;
    if (!(variance > 0)) return undefined;
    const r = sums.map((sum) => sum / variance);
    const best = this.#strongest(r);
    if (best === undefined || best.confidence < confidenceWanted) return undefined;
    if (best.period < leastPeriod) return undefined;
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
    // z in units of the bound that chance would hardly exceed.
    const excessOf = ({ z, period, width, multiples, clump }: Contrast): number => {
      // Sums of independent windows approach a normal distribution; sums within a burst do not.
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
    const shortest =
      width === 1 ? shortestSearched : Math.max(leastPeriod, (width === 2 ? 4 : 8) * width);
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
 * r of the series summed over `width` windows: r weighted with a triangle, as a running sum of a
 * running sum, not divided. r is even, and 0 beyond its end.
 */
function smoothed(r: Float64Array, width: number): Float64Array {
  if (width === 1) return r;
  const length = r.length + 2 * width;
  const at = (index: number): number => r[Math.abs(index - width)] ?? 0;
  const once = runningSums(length, width, at);
  const twice = runningSums(length, width, (index) => once[index] ?? 0);
  return twice.subarray(2 * width - 1, 2 * width - 1 + r.length);
}

/** For each index, the sum of the `width` values that end with it. */
function runningSums(length: number, width: number, at: (index: number) => number): Float64Array {
  const sums = new Float64Array(length);
  let sum = 0;
  for (let index = 0; index < length; index++) {
    sum += at(index) - (index >= width ? at(index - width) : 0);
    sums[index] = sum;
  }
  return sums;
}

/** For each lag, Σ r² over all lags of a smaller absolute value. */
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
 * Refines the period at ever higher multiples m of it, which divide an error of the peak by m.
 * Stops at the last clear peak, since a period that drifts has none far out.
 */
function refinedPeriod(r: Float64Array, { period, width, multiples }: Contrast): number {
  // A clear peak has half the mean contrast of the first multiples.
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

/** The lag of the peak within `width` of a lag, interpolated by a parabola. */
function peakNear(r: Float64Array, lag: number, width: number): number {
  const middle = Math.round(lag);
  let peak = middle;
  for (let at = middle - width; at <= middle + width; at++)
    if ((r[at] ?? 0) > (r[peak] ?? 0)) peak = at;
  const [before = 0, top = 0, after = 0] = [r[peak - width], r[peak], r[peak + width]];
  const bend = before - 2 * top + after;
  return bend < 0 ? peak + (width * (before - after)) / (2 * bend) : peak;
}

/** An upper bound of P(X > z) for a standard normal X: density ÷ z (R. D. Gordon, 1941). */
function normalTail(z: number): number {
  return z <= 0 ? 1 : Math.exp(-(z * z) / 2) / (z * Math.sqrt(2 * Math.PI));
}

/** The z that `normalTail` maps to `chance`, which is below ½. */
function normalBound(chance: number): number {
  let [low, high] = [0, 40];
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (normalTail(middle) > chance) low = middle;
    else high = middle;
  }
  return high;
}
