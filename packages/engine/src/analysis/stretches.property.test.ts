import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Burst, BurstFinder, Largest, type Stall, StallFinder } from './stretches.ts';

/** Counts of consecutive windows, some in gaps. */
const counts = fc.array(
  fc.option(fc.oneof(fc.constant(0), fc.nat(9)), { nil: undefined, freq: 8 }),
  {
    maxLength: 60,
  },
);

it('bursts are the runs of windows that the definition names', () => {
  fc.assert(
    fc.property(counts, fc.integer({ min: 1, max: 9 }), fc.nat(9), (given, rise, below) => {
      const fall = Math.min(rise, below);
      const found: Burst[] = [];
      const finder = new BurstFinder(rise, fall, (burst) => found.push(burst));
      for (const [index, count] of given.entries())
        if (count !== undefined) finder.add(index * 10, count);
      finder.end();

      const wanted: Burst[] = [];
      for (let first = 0; first < given.length; first++) {
        if ((given[first] ?? -1) < rise) continue;
        let end = first;
        while ((given[end] ?? -1) >= fall) end++;
        const inside = given.slice(first, end).map((count) => count ?? 0);
        const total = inside.reduce((sum, count) => sum + count, 0);
        wanted.push({ from: first * 10, to: end * 10, peak: Math.max(...inside), total });
        first = end - 1;
      }
      expect(found).toEqual(wanted);
    }),
  );
});

it('stalls are the runs of empty windows between messages', () => {
  fc.assert(
    fc.property(counts, fc.integer({ min: 1, max: 4 }), (given, least) => {
      const found: Stall[] = [];
      const finder = new StallFinder(least, (stall) => found.push(stall));
      for (const [index, count] of given.entries())
        if (count !== undefined) finder.add(index * 10, count);

      const wanted: Stall[] = [];
      for (let first = 1; first < given.length; first++) {
        if (given[first] !== 0 || !((given[first - 1] ?? 0) > 0)) continue;
        let end = first;
        while (given[end] === 0) end++;
        if (end - first >= least && (given[end] ?? 0) > 0)
          wanted.push({ from: first * 10, to: end * 10 });
      }
      expect(found).toEqual(wanted);
    }),
  );
});

it('counts all stretches and lists the largest, of equal ones the first', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 60 }), (lengths) => {
      const stretches = lengths.map((length, index) => ({ from: index, to: index + length }));
      const sizeOf = ({ from, to }: Stall): number => to - from;
      const largest = new Largest<Stall>(7, sizeOf);
      for (const stretch of stretches) largest.add(stretch);
      const size = lengths.reduce((sum, length) => sum + length, 0);
      expect([largest.count, largest.size, largest.ms]).toEqual([lengths.length, size, size]);
      const wanted = stretches
        .toSorted((a, b) => sizeOf(b) - sizeOf(a) || a.from - b.from)
        .slice(0, 7);
      expect(largest.list).toEqual(wanted.sort((a, b) => a.from - b.from));
    }),
  );
});
