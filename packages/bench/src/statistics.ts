/**
 * Medians, quantiles and ratios of what was measured. Pure.
 *
 * A ratio is always taken pair by pair, round by round: what the machine does besides measuring
 * then disturbs both sides of it alike.
 */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * The value below which that share (0 to 1) of the values lies, interpolated between neighbours.
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

/** Value ÷ reference, for as many rounds as both have. */
export function ratios(values: readonly number[], references: readonly number[]): number[] {
  const rounds = Math.min(values.length, references.length);
  return values.slice(0, rounds).map((value, round) => value / (references[round] ?? Number.NaN));
}

/** Value − reference, for as many rounds as both have. */
export function differences(values: readonly number[], references: readonly number[]): number[] {
  const rounds = Math.min(values.length, references.length);
  return values.slice(0, rounds).map((value, round) => value - (references[round] ?? Number.NaN));
}
