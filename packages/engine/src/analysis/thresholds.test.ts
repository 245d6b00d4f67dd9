import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultThresholds, unlikelyCount, unlikelySilence } from './thresholds.ts';

/** P(X ≥ count) of a Poisson X, summed from its far end so that nothing of it is lost. */
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
  it('is reached with at most that chance, and two fewer with more', () => {
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

describe('an unlikely silence', () => {
  it('is as long as e^(−n · mean) wants', () => {
    expect(unlikelySilence(0.5, Math.exp(-10))).toBe(20);
    expect(unlikelySilence(100, 0.01)).toBe(1);
    expect(unlikelySilence(0, 0.01)).toBe(Number.POSITIVE_INFINITY);
  });
});

it('the thresholds are not moved by what they are to find', () => {
  const calm = defaultThresholds(6_000, 50, 50);
  expect(defaultThresholds(6_000, 50, 5_000)).toEqual(calm);
  expect(calm.fall).toBeGreaterThan(50);
  expect(calm.fall).toBeLessThan(calm.rise);
});
