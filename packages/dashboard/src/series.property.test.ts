/** A series has exactly the counted windows, in whatever pieces they arrive. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { periods } from './period.ts';
import { type Columns, Series } from './series.ts';
import { summarize, summaryRows } from './summary.ts';

const origin = 1_700_000_000_000;
const windowMs = 10;
/** The counts of consecutive windows; null is a gap. */
const rows = fc.array(fc.option(fc.nat(500), { freq: 4 }), { minLength: 1, maxLength: 300 });

function columnsOf(row: readonly (number | null)[], first: number, end: number): Columns {
  const part = row
    .slice(first, end)
    .map((count, index) => [origin + (first + index) * windowMs, count] as const);
  const counted = part.filter((each): each is readonly [number, number] => each[1] !== null);
  const to = origin + end * windowMs;
  return {
    from: origin + first * windowMs,
    to,
    starts: counted.map(([start]) => start),
    counts: counted.map(([, count]) => count),
    // Every seventh window is partial.
    partial: counted.map(([start]) => start).filter((start) => (start / windowMs) % 7 === 0),
    damaged: [],
  };
}

const timeOf = (index: number): number => origin + index * windowMs;

test('adjacent or overlapping pieces add up to the same series as the whole', () => {
  fc.assert(
    fc.property(rows, fc.array(fc.nat(300), { maxLength: 5 }), fc.nat(20), (row, cuts, overlap) => {
      const ends = [
        ...new Set([...cuts.filter((cut) => cut > 0 && cut < row.length), row.length]),
      ].sort((a, b) => a - b);
      const [first = row.length, ...others] = ends;
      const pieces = new Series(periods.ms10, columnsOf(row, 0, first));
      let known = first;
      for (const end of others) {
        pieces.append(columnsOf(row, Math.max(0, known - overlap), end));
        known = end;
      }
      const whole = new Series(periods.ms10, columnsOf(row, 0, row.length));
      expect(pieces).toEqual(whole);
    }),
  );
});

test('gaps and counted windows partition the range', () => {
  fc.assert(
    fc.property(rows, fc.nat(300), fc.nat(300), (row, a, b) => {
      const series = new Series(periods.ms10, columnsOf(row, 0, row.length));
      const [first, end] = [
        Math.min(a, b, row.length - 1),
        Math.min(Math.max(a, b) + 1, row.length),
      ];
      const range = { from: timeOf(first), to: timeOf(end) };
      const missing = new Set<number>();
      for (const gap of series.gapsIn(range)) {
        expect(gap.from).toBeLessThan(gap.to);
        for (let time = gap.from; time < gap.to; time += windowMs) missing.add(time);
      }
      for (let index = first; index < end; index++) {
        expect(missing.has(timeOf(index))).toBe(row[index] === null);
        expect(series.countAt(timeOf(index) + 7)).toBe(row[index] ?? undefined);
      }
      expect(missing.size).toBe(row.slice(first, end).filter((count) => count === null).length);
    }),
  );
});

test('a summary equals a plain count, and its rows add up to it', () => {
  fc.assert(
    fc.property(rows, (row) => {
      const series = new Series(periods.ms10, columnsOf(row, 0, row.length));
      const range = { from: series.from, to: series.to };
      const summary = summarize(series, range);
      const counts = row.filter((count) => count !== null);
      const messages = counts.reduce((sum, count) => sum + count, 0);
      const most = Math.max(...counts);
      expect(summary).toMatchObject({
        messages,
        windows: counts.length,
        empty: counts.filter((count) => count === 0).length,
        partial: columnsOf(row, 0, row.length).partial.length,
        gapMs: (row.length - counts.length) * windowMs,
        peak: counts.length === 0 ? undefined : { start: timeOf(row.indexOf(most)), count: most },
      });
      if (messages > 0)
        expect(summary.peakToMean).toBeCloseTo((most * counts.length) / messages, 9);
      const parts = summaryRows(series, range);
      expect(parts.length).toBeLessThanOrEqual(61);
      expect(parts.at(-1)?.from).toBe(range.from);
      expect(parts[0]?.to).toBe(range.to);
      for (const name of ['messages', 'windows', 'empty', 'gapMs', 'partial'] as const)
        expect(parts.reduce((sum, part) => sum + part[name], 0)).toBe(summary[name]);
    }),
  );
});

test('dropping removes windows from the front only', () => {
  fc.assert(
    fc.property(rows, fc.nat(300), (row, at) => {
      const series = new Series(periods.ms10, columnsOf(row, 0, row.length));
      const before = timeOf(Math.min(at, row.length - 1));
      series.dropBefore(before);
      expect(series.from).toBeLessThanOrEqual(before);
      const left = series.from;
      const kept = row.flatMap((count, index) =>
        count !== null && timeOf(index) >= left ? [count] : [],
      );
      expect(series.counts).toEqual(kept);
      const marked = series.partialIn({ from: 0, to: series.to }).map(({ from }) => from);
      const { partial } = columnsOf(row, 0, row.length);
      expect(marked).toEqual(partial.filter((start) => start >= left));
    }),
  );
});

test('damage is distinguished from a gap', () => {
  const columns = columnsOf([1, null, null, 2, null, 3], 0, 6);
  const damaged = [{ from: timeOf(1), to: timeOf(3) }];
  const series = new Series(periods.ms10, { ...columns, damaged });
  expect(series.gapsIn({ from: timeOf(0), to: timeOf(6) })).toEqual([
    { from: timeOf(1), to: timeOf(3), damaged: true },
    { from: timeOf(4), to: timeOf(5), damaged: false },
  ]);
});

test('the covered part of a range is what both have in common', () => {
  const series = new Series(periods.ms10, columnsOf([1, 2, 3, 4], 1, 3));
  const part = (first: number, end: number) =>
    series.coveredPart({ from: timeOf(first), to: timeOf(end) });
  expect(part(0, 4)).toEqual({ from: timeOf(1), to: timeOf(3) });
  expect(part(2, 4)).toEqual({ from: timeOf(2), to: timeOf(3) });
  expect(part(3, 4)).toBeUndefined();
});
