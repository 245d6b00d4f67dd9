/**
 * Series whose answers are known in closed form. Numbers of a random series must be within four
 * standard errors of what they estimate. A correct program exceeds that once in 16,000 times; seeds
 * are fixed, so these tests never do.
 */
import { describe, expect, it } from 'vitest';
import { poissonCounts, seriesOf, seriesStart } from '../testing/virtual-series.ts';
import { findBursts } from './bursts.ts';

const standardErrors = 4;
const hour = 360_000;

/** P(X ≤ count) of a Poisson X. */
function poissonAtMost(count: number, mean: number): number {
  let probability = Math.exp(-mean);
  let sum = 0;
  for (let k = 0; k <= count; k++) {
    sum += probability;
    probability *= mean / (k + 1);
  }
  return sum;
}

describe('an hour of Poisson traffic, 5,000 a second', async () => {
  const mean = 50;
  const found = await findBursts(seriesOf(poissonCounts(hour, mean, 1)), {});

  it.each([
    [0, 10],
    [1, 100],
    [2, 1_000],
  ])('has its mean and an index of dispersion of 1 at scale %i, %i ms', (index, windowMs) => {
    const scale = found.scales[index];
    const parts = windowMs / 10;
    const windows = hour / parts;
    expect(scale).toMatchObject({ windowMs, windows });
    const meanError = Math.sqrt((mean * parts) / windows);
    expect(Math.abs((scale?.mean ?? 0) - mean * parts)).toBeLessThan(standardErrors * meanError);
    // In a Poisson sample, the variance of variance ÷ mean is 2 ÷ (n − 1).
    const dispersionError = Math.sqrt(2 / (windows - 1));
    expect(Math.abs((scale?.dispersion ?? 0) - 1)).toBeLessThan(standardErrors * dispersionError);
  });

  it('has the quantiles of the distribution', () => {
    const { p50, p75, p90, p95, p99, p999 } = found.quantiles;
    const shares = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999];
    for (const [index, quantile] of [p50, p75, p90, p95, p99, p999].entries()) {
      const share = shares[index] ?? 0;
      const error = standardErrors * Math.sqrt((share * (1 - share)) / hour);
      expect(poissonAtMost(quantile, mean)).toBeGreaterThanOrEqual(share - error);
      expect(poissonAtMost(quantile - 1, mean)).toBeLessThan(share + error);
    }
  });

  it('has no burst and no stall', () => {
    expect(found.bursts).toEqual({ count: 0, messages: 0, share: 0, list: [] });
    expect(found.stalls).toEqual({ count: 0, ms: 0, list: [] });
  });
});

it.each([0.02, 0.5, 1.65, 7, 400])(
  'Poisson traffic of %f messages in 10 ms shows a burst or a stall in one range of a hundred',
  async (mean) => {
    let alarms = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const found = await findBursts(seriesOf(poissonCounts(6_000, mean, seed)), {});
      alarms += Math.min(1, found.bursts.count) + Math.min(1, found.stalls.count);
    }
    // 120 chances of at most 1 % each exceed 6 alarms once in 2,000 times.
    expect(alarms).toBeLessThanOrEqual(6);
  },
);

describe('traffic that switches on and off: 200 ms at 40 messages in 10 ms, 300 ms nothing', async () => {
  const [on, period, rate] = [20, 50, 40];
  const counts = poissonCounts(hour, rate, 2).map((count, window) =>
    window % period < on ? count : 0,
  );
  const found = await findBursts(seriesOf(counts), {});
  const share = on / period;

  it('has the dispersion of a mixture at 10 ms, and of Poisson at 1 s, two whole periods', () => {
    const [fine, , second] = found.scales;
    // On for the share p at the rate β: mean p·β, variance p·β + p(1 − p)β², dispersion 1 + (1 −
    // p)β.
    const expected = 1 + (1 - share) * rate;
    const meanError = Math.sqrt((share * rate) / hour);
    expect(Math.abs((fine?.mean ?? 0) - share * rate)).toBeLessThan(standardErrors * meanError);
    expect(Math.abs((fine?.dispersion ?? 0) / expected - 1)).toBeLessThan(0.01);
    const seconds = hour / 100;
    const error = standardErrors * Math.sqrt(2 / (seconds - 1));
    expect(Math.abs((second?.dispersion ?? 0) - 1)).toBeLessThan(error);
  });

  it('has a burst for each time on, from its first window to its last', () => {
    const messages = counts.reduce((sum, count) => sum + count, 0);
    expect(found.bursts).toMatchObject({ count: hour / period, messages, share: 1 });
    expect(found.bursts.list).toHaveLength(100);
    for (const { from, to, peak, total } of found.bursts.list) {
      const first = (from - seriesStart) / 10;
      expect([first % period, to - from]).toEqual([0, on * 10]);
      const burst = counts.slice(first, first + on);
      expect([peak, total]).toEqual([Math.max(...burst), burst.reduce((a, b) => a + b, 0)]);
    }
  });

  it('has a stall for each time off between two bursts', () => {
    const stalls = hour / period - 1;
    expect(found.stalls).toMatchObject({ count: stalls, ms: stalls * 300 });
  });
});

describe('a clock: 100 messages in the first 10 ms of every 100', async () => {
  const counts = Float64Array.from({ length: 6_000 }, (_, window) => (window % 10 === 0 ? 100 : 0));
  const found = await findBursts(seriesOf(counts), { stall: '90' });

  it('has a dispersion of 90 at 10 ms, and of 0 over whole beats', () => {
    const [fine, tenth, second] = found.scales;
    // One in ten is 100: the variance is 0.1 · 90² + 0.9 · 10² = 900, times n ÷ (n − 1) in a
    // sample.
    expect(fine).toMatchObject({
      mean: 10,
      peakToMean: 10,
      peak: { count: 100, start: seriesStart },
    });
    expect(fine?.dispersion).toBeCloseTo((90 * 6_000) / 5_999, 9);
    expect(tenth).toMatchObject({ windows: 600, mean: 100, dispersion: 0, peakToMean: 1 });
    expect(second).toMatchObject({ windows: 60, mean: 1_000, dispersion: 0, peakToMean: 1 });
  });

  it('has exact quantiles, 600 bursts of one window, and 599 stalls of 90 ms', () => {
    expect(found.quantiles).toEqual({ p50: 0, p75: 0, p90: 0, p95: 100, p99: 100, p999: 100 });
    expect(found.bursts).toMatchObject({ count: 600, messages: 60_000, share: 1 });
    expect(found.stalls).toMatchObject({ count: 599, ms: 599 * 90 });
  });

  it('has no stall of at least 100 ms', async () => {
    const { stalls } = await findBursts(seriesOf(counts), { stall: '100' });
    expect(stalls.count).toBe(0);
  });
});

describe('a single spike of 1,000 messages in a minute of 10 in each window', async () => {
  const counts = new Float64Array(6_000).fill(10);
  counts[1_234] = 1_000;
  const found = await findBursts(seriesOf(counts), {});
  const spike = seriesStart + 12_340;
  const messages = 6_000 * 10 + 990;

  it('is the peak, and the only burst, of one window', () => {
    expect(found.scales[0]?.peak).toEqual({ start: spike, count: 1_000 });
    expect(found.scales[0]?.peakToMean).toBeCloseTo(1_000 / (messages / 6_000), 9);
    expect(found.scales[2]?.peak).toEqual({ start: seriesStart + 12_000, count: 1_990 });
    const share = 1_000 / messages;
    expect(found.bursts).toEqual({
      count: 1,
      messages: 1_000,
      share,
      list: [{ from: spike, to: spike + 10, peak: 1_000, total: 1_000, share }],
    });
  });

  it('has the dispersion of one outlier', () => {
    // n values of 10, one of them larger by d: variance d² ÷ n, mean (n · 10 + d) ÷ n.
    const dispersion = 990 ** 2 / messages;
    expect(found.scales[0]?.dispersion).toBeCloseTo(dispersion, 6);
  });
});

describe('gaps', () => {
  it('are left out of every number, and end a burst and a stall', async () => {
    const second = new Array<number | undefined>(100).fill(3);
    const counts = [...second, ...new Array<undefined>(150).fill(undefined), ...second];
    counts.splice(90, 5, 80, 80, 0, 0, 0);
    for (const window of [97, 98, 99, 250]) counts[window] = 80;
    for (const window of [251, 252, 253]) counts[window] = 0;
    const found = await findBursts(seriesOf(counts), { rise: '50', fall: '40', stall: '30' });
    expect(found).toMatchObject({ windows: 200, uncounted: 150 });
    // Only the first second is whole; half of each other second is counted.
    expect(found.scales.map(({ windows }) => windows)).toEqual([200, 20, 1]);
    expect(
      found.bursts.list.map(({ from, to, peak }) => [from - seriesStart, to - from, peak]),
    ).toEqual([
      [900, 20, 80],
      [970, 30, 80],
      [2_500, 10, 80],
    ]);
    expect(found.stalls.list).toEqual([
      { from: seriesStart + 920, to: seriesStart + 950 },
      { from: seriesStart + 2_510, to: seriesStart + 2_540 },
    ]);
  });

  it('beside empty windows make them no stall', async () => {
    const counts = [5, 0, 0, undefined, undefined, 0, 0, 5, 0, 0, 0, 5];
    const { stalls } = await findBursts(seriesOf(counts), { stall: '20' });
    expect(stalls.list).toEqual([{ from: seriesStart + 80, to: seriesStart + 110 }]);
  });

  it('alone are no data', async () => {
    await expect(findBursts(seriesOf([undefined]), {})).rejects.toMatchObject({
      code: 'RETO3_NO_DATA',
    });
  });
});

it('a burst lasts while counts are at least fall', async () => {
  const counts = [1, 9, 10, 5, 9, 4, 9, 12, 5, 0];
  const { bursts } = await findBursts(seriesOf(counts), { rise: '10', fall: '5' });
  expect(
    bursts.list.map(({ from, to, total }) => [from - seriesStart, to - seriesStart, total]),
  ).toEqual([
    [20, 50, 24],
    [70, 90, 17],
  ]);
});

it('a quantile is the nearest rank', async () => {
  const { quantiles } = await findBursts(seriesOf([30, 10, 20]), {});
  expect(quantiles).toEqual({ p50: 20, p75: 30, p90: 30, p95: 30, p99: 30, p999: 30 });
});

it.each([
  [{ rise: '0' }, 'got rise "0"'],
  [{ rise: 'many' }, 'got rise "many"'],
  [{ rise: '5', fall: '6' }, 'got fall 6 above rise 5'],
  [{ stall: '5' }, 'got stall "5"'],
])('refuses %j', async (asked, message) => {
  const failed = findBursts(seriesOf([1]), asked);
  await expect(failed).rejects.toMatchObject({ code: 'RETO3_BAD_REQUEST' });
  await expect(failed).rejects.toThrow(message);
});

it('an empty minute has zeros and no threshold for a stall', async () => {
  const { scales, quantiles, thresholds, bursts, stalls } = await findBursts(
    seriesOf(new Float64Array(6_000)),
    {},
  );
  expect(scales[0]).toMatchObject({ mean: 0, variance: 0, dispersion: 0, peakToMean: 0 });
  expect(quantiles.p999).toBe(0);
  expect(thresholds).not.toHaveProperty('stallMs');
  expect([bursts.count, stalls.count]).toEqual([0, 0]);
});
