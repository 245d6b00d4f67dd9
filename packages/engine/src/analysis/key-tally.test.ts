import { expect, it } from 'vitest';
import { KeyTally } from './key-tally.ts';

it('refuses keys that would fill the memory', () => {
  const tally = new KeyTally({ from: 0, to: 10 }, []);
  const long = 'k'.repeat(1_000_000);
  expect(() => {
    for (let key = 0; key <= 200; key++) tally.add(0, `${key}${long}`);
  }).toThrow('got more than 1000000 different keys, or 200000000 characters of them');
});

it('counts keys in the range, in each stretch and before it, in any order of time', () => {
  const stretches = [
    { from: 20_000, to: 20_100 },
    { from: 25_000, to: 25_010 },
  ];
  const tally = new KeyTally({ from: 1_000, to: 60_000 }, stretches);
  const times = [60_000, 25_009, 25_010, 20_100, 20_099, 20_000, 19_999, 10_000, 9_999, 1_000, 999];
  for (const time of times) for (const key of ['a', 'a', 'b']) tally.add(time, key);
  tally.add(20_050, 'once');
  const { frequent, ...counts } = tally.end();
  expect(frequent).toEqual([
    { key: 'a', total: 18 },
    { key: 'b', total: 9 },
    { key: 'once', total: 1 },
  ]);
  expect(counts).toEqual({
    messages: 28,
    keys: 3,
    stretches: [
      {
        messages: 7,
        keys: [
          { key: 'a', count: 4, total: 18, before: 4 },
          { key: 'b', count: 2, total: 9, before: 2 },
        ],
      },
      // The single message of b is below leastCount.
      { messages: 3, keys: [{ key: 'a', count: 2, total: 18, before: 8 }] },
    ],
  });
});
