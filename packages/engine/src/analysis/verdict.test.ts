/** Traffic of a known kind with a known fault, which the verdict must find. */
import { expect, it } from 'vitest';
import { clockCounts, poissonCounts, seriesOf } from '../testing/virtual-series.ts';
import { findBursts } from './bursts.ts';
import type { Verdict, VerdictRequest } from './verdict.ts';

const minute = 6_000;

async function judge(counts: ArrayLike<number>, asked: VerdictRequest): Promise<Verdict> {
  const { verdict } = await findBursts(seriesOf(counts), asked);
  if (verdict === undefined) throw new Error('no verdict');
  return verdict;
}

/** The checks that failed, such as `dispersion 10`. */
async function failed(counts: ArrayLike<number>, asked: VerdictRequest): Promise<string[]> {
  const { holds, checks } = await judge(counts, asked);
  const failing = checks.filter((check) => !check.holds);
  expect(holds).toBe(failing.length === 0);
  return failing.map(({ check, windowMs = '' }) => `${check} ${windowMs}`.trim());
}

const rates = [100, 1_000, 5_000];

it.each(rates)('constant and Poisson traffic are told apart, at %i/s', async (rate) => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = poissonCounts(minute, rate / 100, seed);
    expect(await failed(random, { expect: 'constant' })).toContain('dispersion 1000');
    const even = clockCounts(minute, rate, seed, 10);
    expect(await failed(even, { expect: 'poisson' })).toContain('dispersion 1000');
  }
});

it.each(rates)('bursts are neither Poisson nor constant, at %i/s', async (rate) => {
  // One second in ten has twice the rate, the others less, so the mean is the rate.
  for (let seed = 1; seed <= 20; seed++) {
    const high = poissonCounts(minute, (2 * rate) / 100, seed);
    const low = poissonCounts(minute, (8 * rate) / 900, seed + 1_000);
    const counts = low.map((count, index) => (index % 1_000 < 100 ? (high[index] ?? 0) : count));
    expect(await failed(counts, { expect: 'poisson' })).toContain('dispersion 1000');
    expect(await failed(counts, { expect: 'constant' })).toContain('dispersion 1000');
  }
});

it('a batch every 50 ms is no constant rate', async () => {
  const counts = Float64Array.from({ length: minute }, (_, index) => (index % 5 === 0 ? 250 : 0));
  expect(await failed(counts, { expect: 'constant' })).toEqual([
    'dispersion 10',
    'longestGapMs',
    'largestWindow',
  ]);
});

it.each([
  ['constant', 0.99],
  ['constant', 1.01],
  ['poisson', 0.95],
  ['poisson', 1.05],
] as const)('%s traffic of %f times the rate fails by the rate alone', async (kind, factor) => {
  for (let seed = 1; seed <= 20; seed++) {
    const rate = 1_000 * factor;
    const counts =
      kind === 'poisson'
        ? poissonCounts(minute, rate / 100, seed)
        : clockCounts(minute, rate, seed, 5);
    expect(await failed(counts, { expect: kind, rate: '1000' })).toEqual(['rate']);
    expect(await failed(counts, { expect: kind })).toEqual([]);
  }
});

/** ln P(X = count) of a Poisson X. */
function logProbability(count: number, mean: number): number {
  let log = -mean;
  for (let k = 1; k <= count; k++) log += Math.log(mean / k);
  return log;
}

it.each([17, 18, 25, 60, 400, 5_000])(
  'each bound of the rate is missed by chance at most once in 2,000 times, for %i messages',
  async (expected) => {
    const seconds = 3;
    // Enough messages to be judged; the bounds depend on the expected rate alone.
    const counts = poissonCounts(seconds * 100 + 2, 50, 1);
    const rate = expected / seconds;
    const { checks } = await judge(counts, { expect: 'poisson', rate: String(rate) });
    const { atLeast = 0, atMost = 0 } = checks.find(({ check }) => check === 'rate') ?? {};
    const chanceFrom = (least: number, most: number): number => {
      let sum = 0;
      for (let count = least; count <= most; count++)
        sum += Math.exp(logProbability(count, expected));
      return sum;
    };
    const far = Math.ceil(expected + 20 * Math.sqrt(expected));
    expect(chanceFrom(Math.floor(atMost * seconds) + 1, far)).toBeLessThanOrEqual(0.0005);
    expect(chanceFrom(0, Math.ceil(atLeast * seconds) - 1)).toBeLessThanOrEqual(0.0005);
  },
);

it('one stall of 60 ms in a minute fails, with the time of the gap', async () => {
  const even = stall(clockCounts(minute, 5_000, 1, 5));
  expect(await failed(even, { expect: 'constant' })).toEqual(['longestGapMs', 'largestWindow']);
  const { checks } = await judge(even, { expect: 'constant' });
  expect(checks.find(({ check }) => check === 'longestGapMs')).toMatchObject({
    measured: 60,
    at: Date.UTC(2016, 4, 28, 11, 11, 20),
  });

  expect(await failed(stall(poissonCounts(minute, 50, 1)), { expect: 'poisson' })).toEqual(
    expect.arrayContaining(['longestGapMs', 'largestWindow']),
  );
});

/** Sends nothing for 60 ms, then everything that was due at once. */
function stall(counts: Float64Array): Float64Array {
  counts.fill(0, 2_000, 2_006);
  counts[2_006] = 350;
  return counts;
}

it('a generator that stopped fails: silence at the end is a gap', async () => {
  const counts = poissonCounts(minute, 50, 1);
  counts.fill(0, 5_900);
  expect(await failed(counts, { expect: 'poisson' })).toContain('longestGapMs');
});

it('the first and the last window are left out, since a log covers only part of them', async () => {
  const counts = new Float64Array(1_000).fill(50);
  counts[0] = 1;
  counts[999] = 1;
  expect(await judge(counts, { expect: 'constant', rate: '5000' })).toMatchObject({ holds: true });
});

it('time without a running server is no gap between messages', async () => {
  const counts = [...new Float64Array(1_000).fill(50), ...new Array(500), ...[50, 50, 50]];
  const { verdict } = await findBursts(seriesOf(counts), { expect: 'constant', rate: '5000' });
  expect(verdict?.holds).toBe(true);
});

it('too little traffic is not judged', async () => {
  const few = clockCounts(minute, 0.05, 1);
  for (const expected of ['constant', 'poisson'])
    await expect(judge(few, { expect: expected })).rejects.toThrow(
      'too little traffic to judge: 3 messages in 5998 windows of 10 ms',
    );
});

it.each([
  [{ expect: 'even' }, 'got expect "even", want constant or poisson'],
  [{ rate: '5' }, 'got rate without expect, want both'],
  [{ expect: 'poisson', rate: '0' }, 'got rate "0"'],
])('refuses %j', async (asked, message) => {
  const judged = findBursts(seriesOf([1]), asked);
  await expect(judged).rejects.toMatchObject({ code: 'RETO3_BAD_REQUEST' });
  await expect(judged).rejects.toThrow(message);
});
