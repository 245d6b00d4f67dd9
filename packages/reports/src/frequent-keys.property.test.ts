import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  entryOf,
  type FrequentKeys,
  type Holding,
  keepLargest,
  largestFirst,
  mergeKeys,
  mostEntries,
} from './frequent-keys.ts';

const kept = 8;

/** Each entry holds the number of its messages; `left` is the sum for all evicted ones. */
function table() {
  let left = 0;
  const holding: Holding<number> = {
    create: () => 0,
    merge: (a, b) => a + b,
    leave: (held) => {
      left += held;
    },
  };
  const keys: FrequentKeys<number> = { other: 0, floor: 0, entries: new Map() };
  return { keys, holding, left: () => left };
}

/** Random keys, of which a few are frequent and many are rare. */
const key = fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 60 })).map((two) => `${Math.min(...two)}`);
const part = fc.array(key, { maxLength: 200 });

it('keeps its bounds for every key, however its parts are filled and merged', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(part, fc.boolean()), { minLength: 1, maxLength: 6 }), (parts) => {
      const truth = new Map<string, number>();
      const tables = parts.map(([keys, isStored]) => {
        const { keys: made, holding, left } = table();
        for (const each of keys) {
          truth.set(each, (truth.get(each) ?? 0) + 1);
          const entry = entryOf(made, each, kept, holding);
          entry.count++;
          entry.held++;
        }
        if (isStored) keepLargest(made, kept, holding);
        expect(made.entries.size).toBeLessThanOrEqual(mostEntries(kept));
        expect(left()).toBe(made.other);
        return made;
      });
      const all = table();
      for (const each of tables) mergeKeys(all.keys, each, kept, all.holding);
      const messages = parts.reduce((sum, [keys]) => sum + keys.length, 0);
      const { entries, other, floor } = all.keys;
      const inEntries = [...entries.values()].reduce((sum, { count }) => sum + count, 0);
      expect(inEntries + other).toBe(messages);
      expect(floor * (kept + 1)).toBeLessThanOrEqual(messages);
      for (const [each, times] of truth) {
        const { count, error, held } = entries.get(each) ?? { count: 0, error: floor, held: 0 };
        expect(held).toBe(count);
        expect(times).toBeGreaterThanOrEqual(count);
        expect(times).toBeLessThanOrEqual(count + error);
      }
    }),
  );
});

it('keeps the largest entries, and of equal ones those with the first keys', () => {
  fc.assert(
    fc.property(part, fc.nat({ max: 70 }), (keys, most) => {
      const { keys: made, holding } = table();
      for (const each of keys) entryOf(made, each, keys.length, holding).count++;
      const wanted = largestFirst(made)
        .slice(0, most)
        .map(([each]) => each);
      keepLargest(made, most, holding);
      expect([...made.entries.keys()].sort()).toEqual(wanted.sort());
    }),
  );
});
