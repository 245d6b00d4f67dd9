import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ColumnGatherer, type Columns } from './columns.ts';

const windowMs = 10;

/** Which windows are counted, as distances from one to the next, and their counts. */
const series = fc.record({
  start: fc.integer({ min: 0, max: 1e9 }).map((window) => window * windowMs),
  steps: fc.array(
    fc.record({
      step: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 9_000 })),
      count: fc.nat(),
      partial: fc.boolean(),
    }),
    {
      minLength: 1,
      maxLength: 300,
    },
  ),
  most: fc.integer({ min: 1, max: 300 }),
});

/** The definition: the largest count among the windows that a column covers. */
function expected(windows: readonly [number, number, boolean][], columns: Columns): number[] {
  const highest = new Array<number>(columns.highest.length).fill(Number.NaN);
  for (const [start, count] of windows) {
    const at = Math.floor((start - columns.start) / (windowMs * columns.windowsEach));
    highest[at] = Math.max(highest[at] || 0, count);
  }
  return highest;
}

/** The definition: the columns that cover a partial window. */
function expectedPartial(windows: readonly [number, number, boolean][], columns: Columns) {
  const columnMs = windowMs * columns.windowsEach;
  const partial = windows.filter(([, , isPartial]) => isPartial);
  return new Set(partial.map(([start]) => Math.floor((start - columns.start) / columnMs)));
}

test('every window is in its column, and no column has what it does not cover', () => {
  let merged = 0;
  fc.assert(
    fc.property(series, ({ start, steps, most }) => {
      let at = start;
      const windows = steps.map(({ step, count, partial }, index): [number, number, boolean] => {
        if (index > 0) at += step * windowMs;
        return [at, count, partial];
      });
      const gatherer = new ColumnGatherer(windowMs);
      for (const [each, count, partial] of windows) gatherer.add(each, count, partial);
      const columns = gatherer.columns(most);
      expect(columns?.start).toBe(start);
      expect(columns?.highest.length).toBeLessThanOrEqual(most);
      expect(columns && expected(windows, columns)).toEqual(columns?.highest);
      expect(columns && expectedPartial(windows, columns)).toEqual(columns?.partial);
      expect(gatherer.highest).toBe(Math.max(...windows.map(([, count]) => count)));
      if ((at - start) / windowMs > 4_096) merged++;
    }),
  );
  expect(merged).toBeGreaterThan(0);
});

test('nothing counted gives nothing to draw', () => {
  expect(new ColumnGatherer(windowMs).columns(80)).toBeUndefined();
});
