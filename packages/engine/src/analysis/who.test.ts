import { poissonFrom, Random } from '@reto3/core/testing';
import { describe, expect, it } from 'vitest';
import { seriesOf, seriesStart } from '../testing/virtual-series.ts';
import { findBursts } from './bursts.ts';
import { type CountKeys, type KeyCount, logTail, nameCulprits, overRepresented } from './who.ts';

const backgroundKeys = 200;
/** A minute of 5,000 messages a second. */
const backgroundMessages = 300_000;

/** A sum of Poisson numbers, since the generator takes only small means. */
function poisson(mean: number, random: Random): number {
  const parts = Math.ceil(mean / 500);
  const next = poissonFrom(mean / parts, random);
  let sum = 0;
  for (let part = 0; part < parts; part++) sum += next();
  return sum;
}

interface Counted {
  readonly keys: KeyCount[];
  readonly messages: number;
  readonly all: { readonly messages: number; readonly keys: number };
}

/**
 * A burst of 30 to 500 ms with two to four times the usual rate, in a minute of traffic from 200
 * keys with even or very uneven shares.
 * @param culprit a key and its additional share of the burst
 */
function burstOf(
  seed: number,
  culprit?: { readonly share: number; readonly key: string },
): Counted {
  const random = new Random(seed);
  const steepness = random.pick([0, 0.5, 1]);
  const weights = Array.from({ length: backgroundKeys }, (_, rank) => 1 / (rank + 1) ** steepness);
  const weight = weights.reduce((sum, one) => sum + one, 0);
  const usual = (backgroundMessages / 60_000) * random.between(30, 500);
  const size = usual * (2 + 2 * random.next());
  const shares = new Map(weights.map((one, rank) => [`key-${rank}`, one / weight]));
  const counts = new Map<string, { count: number; outside: number }>();
  for (const [key, share] of shares) {
    const count = poisson(size * share * (1 - (culprit?.share ?? 0)), random);
    counts.set(key, { count, outside: poisson(backgroundMessages * share, random) });
  }
  if (culprit !== undefined) {
    const { count, outside } = counts.get(culprit.key) ?? { count: 0, outside: 0 };
    const more = Math.round(size * culprit.share);
    counts.set(culprit.key, { count: count + more, outside });
  }
  const keys = [...counts].map(([key, { count, outside }]) => ({
    ...{ key, count, total: count + outside, before: 0 },
  }));
  const sum = (of: 'count' | 'total'): number => keys.reduce((all, key) => all + key[of], 0);
  return { keys, messages: sum('count'), all: { messages: sum('total'), keys: keys.length } };
}

describe('500 seeded bursts', () => {
  it('with a culprit of 5 to 50 % of the burst: in 99 % it is named first', () => {
    let first = 0;
    for (let seed = 1; seed <= 500; seed++) {
      const random = new Random(seed + 10_000);
      const key = random.pick(['newcomer', `key-${random.between(50, 199)}`]);
      const { keys, messages, all } = burstOf(seed, { share: random.between(5, 50) / 100, key });
      const [named] = overRepresented(keys, messages, all);
      if (named?.key === key) first++;
    }
    expect(first).toBeGreaterThanOrEqual(495);
  });

  it('without a culprit: in 99 % nobody is named', () => {
    let named = 0;
    for (let seed = 1; seed <= 500; seed++) {
      const { keys, messages, all } = burstOf(seed);
      if (overRepresented(keys, messages, all).length > 0) named++;
    }
    expect(named).toBeLessThanOrEqual(5);
  });
});

describe('the chance of a hypergeometric number', () => {
  it.each([
    [5, 10, 20, 100],
    [1, 3, 4, 50],
    [40, 60, 70, 100],
    [30, 30, 70, 100],
  ])(
    'of %i or more is the sum that defines it (%i marked, %i drawn of %i)',
    (least, marked, drawn, all) => {
      const choose = (n: number, k: number): number => {
        let ways = 1;
        for (let index = 1; index <= k; index++) ways = (ways * (n - k + index)) / index;
        return k < 0 || k > n ? 0 : ways;
      };
      let sum = 0;
      for (let count = least; count <= Math.min(marked, drawn); count++)
        sum += (choose(marked, count) * choose(all - marked, drawn - count)) / choose(all, drawn);
      expect(logTail(least, marked, drawn, all)).toBeCloseTo(Math.log(sum), 8);
    },
  );

  it('is 1 if the number cannot be smaller, and 0 if it cannot be as large', () => {
    expect(logTail(0, 5, 5, 100)).toBe(0);
    expect(logTail(40, 90, 50, 100)).toBe(0);
    expect(logTail(6, 5, 50, 100)).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe('a burst of an unusual path, and a stall', () => {
  const counts = new Float64Array(6_000).fill(10);
  counts.fill(100, 1_000, 1_010);
  counts.fill(0, 3_000, 3_020);
  // 900 of the burst's messages have the path /new; of the others, half have /a.
  const countKeys: CountKeys = async (range, stretches) => {
    expect(range).toMatchObject({ from: seriesStart, to: seriesStart + 60_000 });
    expect(stretches).toMatchObject([{ from: seriesStart + 10_000, to: seriesStart + 10_100 }]);
    return {
      messages: 60_700,
      keys: 3,
      frequent: [
        { key: '/a', total: 29_900 },
        { key: '/b', total: 29_890 },
        { key: '/new', total: 910 },
      ],
      stretches: [
        {
          messages: 1_000,
          keys: [
            { key: '/a', count: 50, total: 29_900, before: 5 },
            { key: '/b', count: 50, total: 29_890, before: 5 },
            { key: '/new', count: 900, total: 910, before: 7 },
          ],
        },
      ],
    };
  };

  it('name their keys with counts, shares and lift', async () => {
    const found = await findBursts(seriesOf(counts), {});
    const { bursts, stalls } = await nameCulprits(found, countKeys);
    const baselineShare = 10 / 59_700;
    const share = 0.9;
    expect(bursts.list[0]?.who).toEqual([
      {
        ...{ key: '/new', count: 900, share, baselineShare, lift: share / baselineShare },
        ...{ before: 7, exact: true },
      },
    ]);
    const silent = { count: 0, share: 0, lift: 0, exact: true };
    expect(stalls.list[0]?.who).toEqual([
      { key: '/a', baselineShare: 29_900 / 60_700, ...silent },
      { key: '/b', baselineShare: 29_890 / 60_700, ...silent },
    ]);
  });

  it('have bounds if some messages of the burst were not counted by key', async () => {
    const found = await findBursts(seriesOf(counts), {});
    const { bursts } = await nameCulprits(found, async (...asked) => {
      const all = await countKeys(...asked);
      const [burst = { messages: 0, keys: [] }] = all.stretches;
      return { ...all, stretches: [{ ...burst, messages: 990 }] };
    });
    expect(bursts.list[0]?.who[0]).toMatchObject({ exact: false, atLeast: 900, atMost: 910 });
  });
});

it('a key is not named if messages that were not counted by key may all have others', async () => {
  const counts = new Float64Array(6_000).fill(10);
  counts.fill(100, 1_000, 1_010);
  const found = await findBursts(seriesOf(counts), {});
  // Of the 1,000 messages of the burst, the archive has ten, which are 1 % of it.
  const { bursts } = await nameCulprits(found, async () => ({
    ...{ messages: 59_910, keys: 2, frequent: [] },
    stretches: [{ messages: 10, keys: [{ key: '/new', count: 10, total: 12, before: 0 }] }],
  }));
  expect(bursts.list.map(({ total, who }) => [total, who])).toEqual([[1_000, []]]);
});

it('a stall names who is missing in the counted time, however long the gaps of the range', async () => {
  const counts = new Array<number | undefined>(6_000).fill(undefined).fill(10, 0, 600);
  counts.fill(0, 300, 320);
  const found = await findBursts(seriesOf(counts), {});
  // (1 − 0.2 s ÷ 6 s)^300 is 4e-5; of the whole minute it would be 37 %.
  const { stalls } = await nameCulprits(found, async () => ({
    ...{ messages: 5_800, keys: 2, frequent: [{ key: '/a', total: 300 }], stretches: [] },
  }));
  expect(stalls.list.map(({ who }) => who.map(({ key }) => key))).toEqual([['/a']]);
});

it('a burst as long as the range names nobody: there is nothing to compare it with', () => {
  const keys = [{ key: '/', count: 10, total: 10, before: 0 }];
  expect(overRepresented(keys, 10, { messages: 10, keys: 1 })).toEqual([]);
});

it('a key that occurs only in the burst counts as half a message outside', () => {
  const [named] = overRepresented([{ key: '/new', count: 50, total: 50, before: 0 }], 100, {
    ...{ messages: 1_100, keys: 10 },
  });
  expect(named).toMatchObject({ baselineShare: 0, lift: 0.5 / (0.5 / 1_000) });
});
