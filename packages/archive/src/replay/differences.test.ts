import { describe, expect, it } from 'vitest';
import { type Bounds, type Difference, differences, type WindowCells } from './differences.ts';

async function* windows(counts: Readonly<Record<number, number>>): AsyncGenerator<WindowCells> {
  for (const [start, count] of Object.entries(counts))
    yield { start: Number(start), rows: [[count]] };
}

async function compare(
  stored: Readonly<Record<number, number>>,
  replayed: Readonly<Record<number, number>>,
  bounds: Bounds,
) {
  const compared = { windows: 0, differ: 0, begin: 0 };
  const found: Difference[] = [];
  for await (const one of differences(windows(stored), windows(replayed), bounds, compared))
    found.push(one);
  return { ...compared, starts: found.map(({ start }) => start) };
}

const all = { before: true, after: true };
const archived = { before: false, after: false };

describe('stored and replayed windows', () => {
  it('differ if they are not equal, or if one of the two has no data', async () => {
    const stored = { 10: 1, 20: 2, 30: 3 };
    expect(await compare(stored, stored, all)).toEqual({
      windows: 3,
      differ: 0,
      begin: 0,
      starts: [],
    });
    expect(await compare(stored, { 20: 2, 30: 4, 40: 5 }, all)).toEqual({
      windows: 4,
      differ: 3,
      begin: 0,
      starts: [10, 30, 40],
    });
    expect(await compare(stored, {}, all)).toMatchObject({
      windows: 3,
      differ: 3,
      begin: 0,
      starts: [10, 20, 30],
    });
  });

  it('are compared from the first to the last replayed one without a requested range', async () => {
    const stored = { 10: 1, 2000: 2, 3000: 3, 4000: 4, 5000: 5 };
    expect(await compare(stored, { 2000: 2, 4000: 4 }, archived)).toEqual({
      windows: 3,
      differ: 1,
      begin: 0,
      starts: [3000],
    });
    const nothing = { windows: 0, differ: 0, begin: 0, starts: [] };
    expect(await compare(stored, {}, archived)).toEqual(nothing);
  });

  it('are left out if they differ in the second in which the archive begins', async () => {
    const stored = { 10: 9, 2000: 9, 2990: 9, 3000: 9, 4000: 9 };
    const replayed = { 2000: 1, 2500: 1, 2990: 9, 3000: 8, 4000: 9 };
    expect(await compare(stored, replayed, archived)).toEqual({
      windows: 3,
      differ: 1,
      begin: 2,
      starts: [3000],
    });
    expect(await compare(stored, replayed, all)).toMatchObject({ differ: 4, begin: 0 });
  });
});
