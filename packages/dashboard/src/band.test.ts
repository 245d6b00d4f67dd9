/** The band shows every peak and no others, and stays still as time passes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bandOf, columnMsFor } from './band.ts';
import { periods } from './period.ts';
import { Series } from './series.ts';
import { summarize } from './summary.ts';

const startMs = Date.UTC(2026, 10, 23);

function seriesOf(counts: readonly (number | undefined)[]): Series {
  const windows = counts.flatMap((count, index) =>
    count === undefined ? [] : [[startMs + index * 10, count] as const],
  );
  const to = startMs + counts.length * 10;
  return new Series(periods.ms10, {
    from: startMs,
    to,
    starts: windows.map(([start]) => start),
    counts: windows.map(([, count]) => count),
    partial: [],
    damaged: [],
  });
}

test('median and 99th percentile are counts, and the peak has its own time', () => {
  const counts = Array.from({ length: 100 }, (_, index) => index);
  const band = bandOf(seriesOf(counts), { from: startMs, to: startMs + 1_000 }, 1_000);
  expect(band).toMatchObject({ starts: [startMs], medians: [49], tops: [98] });
  expect(band.peaks).toEqual([{ start: startMs + 990, count: 99 }]);
});

test('the largest peak of all columns is the peak of the summary', () => {
  const counts = fc.array(fc.option(fc.nat(1_000), { nil: undefined }), { maxLength: 400 });
  fc.assert(
    fc.property(counts, fc.nat(50), fc.constantFrom(50, 100, 250), (counts, skip, columnMs) => {
      const series = seriesOf(counts);
      const range = { from: startMs + skip * 10, to: startMs + counts.length * 10 };
      if (range.from >= range.to) return;
      const { peak, windows } = summarize(series, range);
      const band = bandOf(series, range, columnMs);
      const largest = Math.max(-1, ...band.peaks.map(({ count }) => count));
      expect(band.peaks.find(({ count }) => count === largest)).toEqual(peak);
      expect(band.starts.length === 0).toBe(windows === 0);
      for (const [index, { count }] of band.peaks.entries()) {
        expect(band.medians[index]).toBeLessThanOrEqual(band.tops[index] ?? Number.NaN);
        expect(band.tops[index]).toBeLessThanOrEqual(count);
      }
    }),
  );
});

test('a complete column does not change while the view moves', () => {
  const series = seriesOf(Array.from({ length: 500 }, (_, index) => (index * 7) % 23));
  const before = bandOf(series, { from: startMs + 30, to: startMs + 4_000 }, 250);
  const after = bandOf(series, { from: startMs + 130, to: startMs + 4_100 }, 250);
  expect(after.medians.slice(1, 15)).toEqual(before.medians.slice(1, 15));
  expect(after.starts.slice(1, 15)).toEqual(before.starts.slice(1, 15));
});

test('columns are wide enough to see, and divide the steps of the axis', () => {
  expect(columnMsFor(60_000, 1_140, 10)).toBe(250);
  expect(columnMsFor(60_000, 260, 10)).toBe(1_000);
  expect(columnMsFor(3_600_000, 1_140, 1_000)).toBe(15_000);
  expect(columnMsFor(30 * 86_400_000, 1_140, 60_000)).toBe(3 * 3_600_000);
});
