import fc from 'fast-check';
import { expect, it } from 'vitest';
import { overlaid } from './overlaid.ts';

type Entry = readonly [place: number, from: 'memory' | 'store'];

const places = fc.uniqueArray(fc.nat({ max: 12 }));

it.each([1, -1])('has every place once, in order, and prefers memory (order %i)', async (order) => {
  const compare = ([a]: Entry, [b]: Entry): number => order * (a - b);
  await fc.assert(
    fc.asyncProperty(places, places, async (stored, memory) => {
      const sorted = (all: readonly number[], from: Entry[1]): Entry[] =>
        all.map((place): Entry => [place, from]).sort(compare);
      const store = async function* () {
        yield* sorted(stored, 'store');
      };
      const found: Entry[] = [];
      for await (const entry of overlaid(store(), sorted(memory, 'memory'), compare))
        found.push(entry);
      const rest = stored.filter((place) => !memory.includes(place));
      const wanted = [...sorted(memory, 'memory'), ...sorted(rest, 'store')];
      expect(found).toEqual(wanted.sort(compare));
    }),
  );
});
