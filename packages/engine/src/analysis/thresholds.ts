/**
 * The default thresholds of bursts and stalls: what independent clients (Poisson traffic) at the
 * typical rate would hardly ever do in the whole range.
 *
 * The typical rate comes from the median, which bursts do not move. The median of a Poisson
 * distribution with mean λ lies between λ − ln 2 and λ + 1/3 (K. P. Choi, On the medians of gamma
 * distributions and an equation of Ramanujan, Proc. AMS 121, 1994), so λ is at most median + ln 2.
 */
import { logFactorial } from './log-factorial.ts';

/** In at most this share of such ranges does chance look like a burst; the same for a stall. */
const falseAlarms = 0.01;

export interface Thresholds {
  /** A burst begins with the first window of at least this many messages. */
  readonly rise: number;
  /** A burst ends before the first window of fewer messages than this. */
  readonly fall: number;
  /** This many empty windows in a row are a stall; infinite if there is too little traffic. */
  readonly stallWindows: number;
}

/** The largest mean of Poisson counts with this median. */
function typicalMean(median: number): number {
  return median + Math.LN2;
}

/**
 * @param windows the counted windows of the range, at least one
 * @param median of their counts
 * @param mean of their counts
 */
export function defaultThresholds(windows: number, median: number, mean: number): Thresholds {
  const typical = typicalMean(median);
  const rise = unlikelyCount(typical, falseAlarms / windows);
  // Halfway, so that noise neither ends a burst early nor prolongs it.
  const fall = Math.ceil((median + rise) / 2);
  return {
    rise,
    fall,
    stallWindows: unlikelySilence(Math.min(mean, typical), falseAlarms / windows),
  };
}

/**
 * The smallest count c above the mean with P(X ≥ c) ≤ `chance` for a Poisson X, by the bound
 * P(X ≥ c) ≤ P(X = c) · (c + 1) ÷ (c + 1 − mean), the tail's first term and a geometric series
 * (B. Klar, Bounds on tail probabilities of discrete distributions, 2000).
 */
export function unlikelyCount(mean: number, chance: number): number {
  for (let count = Math.floor(mean) + 1; ; count++) {
    const probability = count * Math.log(mean) - mean - logFactorial(count);
    const tail = probability + Math.log((count + 1) / (count + 1 - mean));
    if (tail <= Math.log(chance)) return count;
  }
}

/**
 * The smallest n for which n Poisson counts in a row are all 0 with a chance of at most `chance`,
 * which is e^(−n · mean).
 */
export function unlikelySilence(mean: number, chance: number): number {
  return mean === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.ceil(-Math.log(chance) / mean));
}
