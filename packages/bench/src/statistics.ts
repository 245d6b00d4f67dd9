/**
 * Medians, quantiles and ratios. Pure.
 *
 * Ratios are taken per round, so that other work on the machine affects both sides alike.
 */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * The quantile of a share (0 to 1), interpolated between neighbours.
 * @throws RangeError if there are no values
 */
export function quantile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)];
  const above = sorted[Math.ceil(at)];
  if (below === undefined || above === undefined)
    throw new RangeError('got no values, want at least one');
  return below + (above - below) * (at - Math.floor(at));
}

export function spreadOf(values: ArrayLike<number>): Spread {
  return { median: quantile(values, 0.5), min: quantile(values, 0), max: quantile(values, 1) };
}

/** Value ÷ reference for each round that both have. */
export function ratios(values: readonly number[], references: readonly number[]): number[] {
  const rounds = Math.min(values.length, references.length);
  return values.slice(0, rounds).map((value, round) => value / (references[round] ?? Number.NaN));
}

/** Value − reference for each round that both have. */
export function differences(values: readonly number[], references: readonly number[]): number[] {
  const rounds = Math.min(values.length, references.length);
  return values.slice(0, rounds).map((value, round) => value - (references[round] ?? Number.NaN));
}
