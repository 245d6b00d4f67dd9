import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultThresholds, unlikelyCount, unlikelySilence } from './thresholds.ts';

/** P(X ≥ count) of a Poisson X, summed from the far end, which keeps the small terms. */
function tail(count: number, mean: number): number {
  let logProbability = -mean;
  for (let k = 1; k <= count; k++) logProbability += Math.log(mean / k);
  const terms: number[] = [];
  for (let k = count; terms.length < 500; k++) {
    terms.push(Math.exp(logProbability));
    logProbability += Math.log(mean / (k + 1));
  }
  return terms.reverse().reduce((sum, term) => sum + term, 0);
}

describe('an unlikely count', () => {
  it('is reached with at most the given chance, and a count smaller by two with more', () => {
    const means = fc.double({ min: 0.01, max: 500, noNaN: true });
    const chances = fc.double({ min: 2, max: 10, noNaN: true }).map((digits) => 10 ** -digits);
    fc.assert(
      fc.property(means, chances, (mean, chance) => {
        const count = unlikelyCount(mean, chance);
        expect(tail(count, mean)).toBeLessThanOrEqual(chance);
        if (count > mean + 3) expect(tail(count - 2, mean)).toBeGreaterThan(chance);
      }),
    );
  });
});

it('an unlikely count of a very large mean is found at once', () => {
  const mean = 1e9;
  // 4.753 is the normal quantile of 1e-6.
  expect(Math.abs(unlikelyCount(mean, 1e-6) - mean - 4.753 * Math.sqrt(mean))).toBeLessThan(500);
});

describe('an unlikely silence', () => {
  it('is the shortest with e^(−n · mean) up to the given chance', () => {
    expect(unlikelySilence(0.5, Math.exp(-10))).toBe(20);
    expect(unlikelySilence(100, 0.01)).toBe(1);
    expect(unlikelySilence(0, 0.01)).toBe(Number.POSITIVE_INFINITY);
  });
});

it('bursts do not move the thresholds', () => {
  const calm = defaultThresholds(6_000, 50, 50);
  expect(defaultThresholds(6_000, 50, 5_000)).toEqual(calm);
  expect(calm.fall).toBeGreaterThan(50);
  expect(calm.fall).toBeLessThan(calm.rise);
});
