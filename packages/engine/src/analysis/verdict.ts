/**
 * Judges a load generator by its counts: `constant` promises a message every 1 ÷ rate, `poisson`
 * independent clients. `Judge` collects in one pass over the windows, then compares.
 *
 * Poisson: each bound is a one-sided test that true Poisson traffic fails with a chance of at most
 * 0.05 %. There are at most ten, so all hold in at least 99.5 % of ranges (Bonferroni).
 * - dispersion: for n windows of Poisson counts, (n − 1) · variance ÷ mean has the χ² distribution
 *   with n − 1 degrees of freedom (R. A. Fisher, The significance of deviations from expectation in
 *   a Poisson series, Biometrics 6, 1950; D. R. Cox, P. A. W. Lewis, The Statistical Analysis of
 *   Series of Events, 1966, 6.3).
 * - longest gap and largest window: as for stalls and bursts (thresholds.ts).
 * - rate: where Λ messages are expected, Λ ± z · √Λ came, and (z² − 1) ÷ 6 more above, since Poisson
 *   counts are skewed (Cornish and Fisher, as in rhythm.ts).
 *
 * Constant: the bounds are those of a clock whose messages are each up to `latenessMs` late.
 * - dispersion: below the least that Poisson traffic shows, by the same χ² distribution.
 * - longest gap: 1 ÷ rate + lateness; largest window: rate · (10 ms + lateness) + 1.
 * - rate: within 0.1 %, plus what lateness moves across the ends of the range.
 *
 * The first and the last window are left out, since a log covers only part of them.
 */
import { ms10, parseNumber, quantity, Reto3Error, sec } from '@reto3/core';
import type { Scale, ScaleSummary } from './scale.ts';
import { unlikelyCount, unlikelySilence } from './thresholds.ts';

const expectations = ['constant', 'poisson'] as const;
type Expectation = (typeof expectations)[number];

/** As users write it: text, as it comes from a flag or a query string. */
export interface VerdictRequest {
  readonly expect?: string | undefined;
  /** Messages per second. */
  readonly rate?: string | undefined;
}

interface Expected {
  readonly expect: Expectation;
  readonly rate?: number;
}

interface Check {
  readonly check: 'dispersion' | 'longestGapMs' | 'largestWindow' | 'rate';
  /** The window length; of `dispersion` only. */
  readonly windowMs?: number;
  readonly measured: number;
  /** The start of the gap or window, epoch ms. */
  readonly at?: number;
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly holds: boolean;
}

export interface Verdict extends Expected {
  readonly holds: boolean;
  /** Without the dispersions that there is too little traffic to judge. */
  readonly checks: readonly Check[];
}

/** The chance that true Poisson traffic fails a one-sided test, and its normal quantile. */
const chance = 0.0005;
const normalQuantile = 3.2905;

/**
 * How late a message of a clock may be. Timers fire up to a few milliseconds late, and a busy
 * machine adds a time slice or two; a later message is a fault of the generator.
 */
const latenessMs = 20;

/**
 * The clocks of two machines differ by at most 0.01 %; timers that round their interval, by more.
 */
const rateTolerance = 0.001;

/**
 * χ² approximates the dispersion of N Poisson messages in n windows if N² ÷ n is at least 10, at a
 * level of 5 % (K. J. Koehler, K. Larntz, An empirical investigation of goodness-of-fit statistics
 * for sparse multinomials, JASA 75, 1980). The tail at 0.05 % takes ten times that.
 */
const leastPairs = 100;
const leastWindows = 3;

const leastRate = 0.001;
const mostRate = 1e9;

/** @throws Reto3Error RETO3_BAD_REQUEST */
export function parseExpected({ expect, rate }: VerdictRequest): Expected | undefined {
  if (expect === undefined) {
    if (rate === undefined) return undefined;
    throw new Reto3Error('RETO3_BAD_REQUEST', 'got rate without expect, want both', {
      hint: 'such as --expect constant --rate 5000',
    });
  }
  const known = expectations.find((each) => each === expect);
  if (known === undefined) {
    throw new Reto3Error(
      'RETO3_BAD_REQUEST',
      `got expect "${expect}", want ${expectations.join(' or ')}`,
      { hint: 'constant is one message every 1 ÷ rate; poisson is independent clients' },
    );
  }
  if (rate === undefined) return { expect: known };
  return { expect: known, rate: parseNumber('rate', rate, leastRate, mostRate) };
}

export class Judge {
  readonly #expected: Expected;
  readonly #scales: readonly Scale[];
  #held: { readonly start: number; readonly count: number } | undefined;
  #isFirst = true;
  #windows = 0;
  #messages = 0;
  #end = Number.NaN;
  #silentFrom = 0;
  #longestGap = { at: 0, ms: 0 };

  /** @param scales new ones, which the judge fills */
  constructor(expected: Expected, scales: readonly Scale[]) {
    this.#expected = expected;
    this.#scales = scales;
  }

  /** Takes the next counted ms10 window, oldest first. */
  add(start: number, count: number): void {
    if (this.#held !== undefined && !this.#isFirst) this.#take(this.#held.start, this.#held.count);
    this.#isFirst = this.#held === undefined;
    this.#held = { start, count };
  }

  #take(start: number, count: number): void {
    this.#windows++;
    this.#messages += count;
    for (const scale of this.#scales) scale.add(start, count);
    if (start !== this.#end) this.#silentFrom = start;
    this.#end = start + ms10.windowMs;
    if (count > 0) this.#silentFrom = this.#end;
    const ms = this.#end - this.#silentFrom;
    if (ms > this.#longestGap.ms) this.#longestGap = { at: this.#silentFrom, ms };
  }

  /** @throws Reto3Error RETO3_NO_DATA if there is too little traffic to judge */
  verdict(): Verdict {
    const { expect, rate } = this.#expected;
    const bounds = expect === 'poisson' ? poisson : constant;
    const scales = this.#scales.map((scale) => scale.summary());
    const measured = [
      ...this.#dispersions(scales, bounds),
      ...this.#extremes(scales, bounds),
      ...(rate === undefined ? [] : [this.#rate(rate, bounds)]),
    ];
    const checks = measured.map((check): Check => {
      const { measured, atLeast = 0, atMost = Number.POSITIVE_INFINITY } = check;
      return { ...check, holds: measured >= atLeast && measured <= atMost };
    });
    return { ...this.#expected, holds: checks.every(({ holds }) => holds), checks };
  }

  /** @throws Reto3Error RETO3_NO_DATA if there is too little traffic at all scales */
  #dispersions(scales: readonly ScaleSummary[], bounds: Bounds): Measured[] {
    const dispersions = scales.flatMap((scale): Measured[] => {
      const bound = bounds.dispersion(scale);
      if (bound === undefined) return [];
      const { windowMs, dispersion } = scale;
      return [{ check: 'dispersion', windowMs, measured: dispersion, ...bound }];
    });
    if (dispersions.length > 0) return dispersions;
    throw new Reto3Error(
      'RETO3_NO_DATA',
      `too little traffic to judge: ${quantity(this.#messages, 'message')} in ${quantity(this.#windows, 'window')} of 10 ms`,
      { hint: 'choose a longer range' },
    );
  }

  #extremes([shortest]: readonly ScaleSummary[], bounds: Bounds): Measured[] {
    const { start, count } = shortest?.peak ?? { start: 0, count: 0 };
    const { ms, at } = this.#longestGap;
    const mean = this.#messages / this.#windows;
    const gapMs = bounds.gapMs(mean, this.#windows);
    const largest = bounds.count(mean, this.#windows);
    return [
      { check: 'longestGapMs', measured: ms, at, atMost: gapMs },
      { check: 'largestWindow', measured: count, at: start, atMost: largest },
    ];
  }

  #rate(rate: number, bounds: Bounds): Measured {
    const seconds = (this.#windows * ms10.windowMs) / sec.windowMs;
    return { check: 'rate', measured: this.#messages / seconds, ...bounds.rate(rate, seconds) };
  }
}

type Measured = Omit<Check, 'holds'>;

interface Bound {
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** The bounds of an expectation. `mean` is messages per window of 10 ms, `rate` per second. */
interface Bounds {
  /** Undefined if there is too little traffic to judge this scale. */
  dispersion(scale: ScaleSummary): Bound | undefined;
  gapMs(mean: number, windows: number): number;
  count(mean: number, windows: number): number;
  rate(rate: number, seconds: number): Bound;
}

const poisson: Bounds = {
  dispersion({ windows, mean }) {
    if (windows < leastWindows || mean * mean * windows < leastPairs) return undefined;
    return {
      atLeast: dispersionQuantile(windows, -normalQuantile),
      atMost: dispersionQuantile(windows, normalQuantile),
    };
  },
  gapMs: (mean, windows) => (unlikelySilence(mean, chance / windows) - 1) * ms10.windowMs,
  count: (mean, windows) => unlikelyCount(mean, chance / windows) - 1,
  rate(rate, seconds) {
    const spread = normalQuantile * Math.sqrt(rate / seconds);
    const skew = (normalQuantile ** 2 - 1) / 6 / seconds;
    return { atLeast: Math.max(0, rate - spread), atMost: rate + spread + skew };
  },
};

const constant: Bounds = {
  dispersion({ windows, mean }) {
    if (windows < leastWindows) return undefined;
    const atMost = dispersionQuantile(windows, -normalQuantile);
    // A clock's counts are two neighbouring numbers, so their variance is at most 1/4. Unless that
    // is clearly below the bound, a clock looks like chance.
    return 0.25 / mean <= 0.75 * atMost ? { atMost } : undefined;
  },
  gapMs: (mean) => ms10.windowMs / mean + latenessMs,
  count: (mean) => Math.floor(mean * (1 + latenessMs / ms10.windowMs) + 1),
  rate(rate, seconds) {
    const spread = rate * rateTolerance + (1 + (rate * latenessMs) / sec.windowMs) / seconds;
    return { atLeast: Math.max(0, rate - spread), atMost: rate + spread };
  },
};

/**
 * A quantile of χ² ÷ degrees of freedom for n windows, by the cube-root approximation (E. B.
 * Wilson, M. M. Hilferty, The distribution of chi-square, PNAS 17, 1931).
 * @param z the normal quantile of the same probability
 */
function dispersionQuantile(windows: number, z: number): number {
  const variance = 2 / (9 * (windows - 1));
  return Math.max(0, 1 - variance + z * Math.sqrt(variance)) ** 3;
}
