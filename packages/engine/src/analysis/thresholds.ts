/**
 * Where a burst begins and ends and what a stall is, where nobody says: what traffic of independent
 * clients (Poisson) at the typical rate would hardly ever do in the whole range.
 *
 * The typical rate is taken from the median, which bursts do not move. The median of a Poisson
 * distribution with mean λ lies from λ − ln 2 to λ + 1/3 (K. P. Choi, On the medians of gamma
 * distributions and an equation of Ramanujan, Proc. AMS 121, 1994), so λ is at most median + ln 2.
 */

/** At most one such range in a hundred shows a burst, or a stall, that is none. */
const falseAlarms = 0.01;

export interface Thresholds {
  /** A burst begins with a window of at least so many messages, */
  readonly rise: number;
  /** and ends before the first window of fewer than so many. */
  readonly fall: number;
  /** At least so many empty windows in a row are a stall. */
  readonly stallWindows: number;
}

/** The most that the mean of Poisson counts with this median can be. */
function typicalMean(median: number): number {
  return median + Math.LN2;
}

/** @param windows how many there are, at least one */
export function defaultThresholds(windows: number, median: number, mean: number): Thresholds {
  const typical = typicalMean(median);
  const rise = unlikelyCount(typical, falseAlarms / windows);
  // Halfway: neither the noise within a burst ends it, nor does the noise after it prolong it.
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
  let logProbability = -mean;
  for (let count = 1; ; count++) {
    logProbability += Math.log(mean / count);
    if (count <= mean) continue;
    const tail = logProbability + Math.log((count + 1) / (count + 1 - mean));
    if (tail <= Math.log(chance)) return count;
  }
}

/**
 * How many empty windows in a row Poisson counts begin with at most that chance: n windows are all
 * empty with e^(−n · mean).
 */
export function unlikelySilence(mean: number, chance: number): number {
  return mean === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.ceil(-Math.log(chance) / mean));
}
