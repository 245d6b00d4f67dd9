/** Seeded beats planted in noise must be found; traffic without a rhythm must show none. */
import { poissonFrom, Random } from '@reto3/core/testing';
import { expect, it } from 'vitest';
import { poissonCounts, seriesOf } from '../testing/virtual-series.ts';
import { findBursts } from './bursts.ts';
import { unlikelyCount } from './thresholds.ts';

/**
 * 20 to 40 beats with a period of 100 ms to 60 s, in Poisson noise of 0 to 50 messages in 10 ms.
 * Each is 30 to 300 ms long, twice as high as noise reaches, and up to 1 % of the period early or
 * late; one in twenty is missing.
 */
function planted(seed: number) {
  const random = new Random(seed);
  const periodMs = 100 * 600 ** random.next();
  const windows = Math.max(6_000, Math.ceil((periodMs / 10) * random.between(20, 40)));
  const mean = random.pick([0, 0.1, 1, 10, 50]);
  const jitterMs = random.next() * 0.01 * periodMs;
  const lengthMs = Math.min(periodMs / 5, random.pick([30, 100, 300]));
  const counts = mean === 0 ? new Float64Array(windows) : poissonCounts(windows, mean, seed);
  const rise = unlikelyCount(mean + Math.LN2, 0.01 / windows);
  const size = poissonFrom(2 * rise * Math.max(1, lengthMs / 20), random);
  for (let beatMs = random.next() * periodMs; beatMs < windows * 10; beatMs += periodMs) {
    const isMissing = random.chance(0.05);
    const early = (random.next() - 0.5) * 2 * jitterMs;
    for (let message = isMissing ? 0 : size(); message > 0; message--) {
      const window = Math.floor((beatMs + early + random.next() * lengthMs) / 10);
      if (window >= 0 && window < windows) counts[window] = (counts[window] ?? 0) + 1;
    }
  }
  return { counts, periodMs };
}

it('finds the period of 300 planted beats within 1 %', { timeout: 300_000 }, async () => {
  const missed: unknown[] = [];
  for (let seed = 1; seed <= 300; seed++) {
    const { counts, periodMs } = planted(seed);
    const { beats } = await findBursts(seriesOf(counts), {});
    const [found] = beats;
    const error = Math.abs((found?.periodMs ?? 0) / periodMs - 1);
    if (error > 0.01) missed.push({ seed, periodMs, found });
  }
  expect(missed).toEqual([]);
});

it('finds none in 300 ranges of Poisson traffic', { timeout: 300_000 }, async () => {
  let claimed = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Random(seed);
    const mean = random.pick([0.02, 0.1, 0.5, 1.65, 7, 50, 400]);
    const counts = poissonCounts(random.between(1_000, 20_000), mean, seed);
    claimed += (await findBursts(seriesOf(counts), {})).beats.length;
  }
  expect(claimed).toBeLessThanOrEqual(3);
});

it.each([20, 100, 1_000])(
  'finds none in bursts at random distances with a mean of %i windows',
  { timeout: 300_000 },
  async (distance) => {
    let claimed = 0;
    for (let seed = 1; seed <= 50; seed++) {
      const random = new Random(seed * distance);
      const counts = poissonCounts(20_000, 5, seed);
      const exponential = (mean: number): number => Math.ceil(-Math.log(1 - random.next()) * mean);
      for (let at = exponential(distance); at < counts.length; at += exponential(distance)) {
        const end = Math.min(at + exponential(5), counts.length);
        for (; at < end; at++) counts[at] = random.between(40, 80);
      }
      claimed += (await findBursts(seriesOf(counts), {})).beats.length;
    }
    expect(claimed).toBeLessThanOrEqual(1);
  },
);
