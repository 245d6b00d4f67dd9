/** True traffic of each kind must hold. Seeds are fixed, so the shares never vary. */
import { expect, it } from 'vitest';
import { clockCounts, poissonCounts, seriesOf } from '../testing/virtual-series.ts';
import { findBursts } from './bursts.ts';
import type { VerdictRequest } from './verdict.ts';

const minute = 6_000;

async function shareThatHolds(
  runs: number,
  asked: VerdictRequest,
  make: (seed: number) => Float64Array,
): Promise<number> {
  let held = 0;
  for (let seed = 1; seed <= runs; seed++) {
    const { verdict } = await findBursts(seriesOf(make(seed)), asked);
    held += Number(verdict?.holds);
  }
  return held / runs;
}

it.each([
  [2, 10 * minute],
  [20, minute],
  [100, minute],
  [5_000, minute],
  [5_000, 300],
  [40_000, minute],
])('true Poisson traffic of %i/s holds in 99 of 100 runs', async (rate, windows) => {
  const share = await shareThatHolds(300, { expect: 'poisson', rate: String(rate) }, (seed) =>
    poissonCounts(windows, rate / 100, seed),
  );
  expect(share).toBeGreaterThanOrEqual(0.99);
});

it.each([
  [1, 0, 10 * minute],
  [7, 3, minute],
  [100, 10, minute],
  [333, 10, minute],
  [5_000, 0, 200],
  [5_000, 10, minute],
  [20_000, 2, 1_000],
])('a clock of %f/s that is up to %i ms late holds', async (rate, latenessMs, windows) => {
  const share = await shareThatHolds(40, { expect: 'constant', rate: String(rate) }, (seed) =>
    clockCounts(windows, rate, seed, latenessMs),
  );
  expect(share).toBe(1);
});
