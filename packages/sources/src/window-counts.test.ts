import { min, ms10 } from '@reto3/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WindowCounts } from './window-counts.ts';

/** Far fewer than the hours below, and than the messages of one run. */
const places = 2;
const mostPutBy = 16;
/** In several hours, some of them neighbours, some with the same place. */
const minutes = [0, 1, 59, 60, 61, 120, 185, 240, 600].map((minute) => 24_407_220 + minute);

const time = fc.record({
  minute: fc.constantFrom(...minutes),
  // Few windows, so that many have several messages.
  ms: fc.oneof(fc.integer({ min: 0, max: 59_999 }), fc.constantFrom(0, 9, 10, 59_999)),
});
const timesMs = fc
  .array(time, { maxLength: 200, size: 'max' })
  .map((times) => times.map(({ minute, ms }) => minute * min.windowMs + ms));

function expected(times: readonly number[]): Map<number, number> {
  const wanted = new Map<number, number>();
  for (const at of times) {
    const window = Math.floor(at / ms10.windowMs);
    wanted.set(window, (wanted.get(window) ?? 0) + 1);
  }
  return new Map([...wanted].sort(([a], [b]) => a - b));
}

function found(counts: WindowCounts, order: readonly number[]): Map<number, number> {
  const windows = new Map<number, number>();
  for (const minute of order) {
    const into = new Float64Array(ms10.blockWindows);
    counts.addTo(minute * min.windowMs, into);
    expect(counts.has(minute * min.windowMs)).toBe(into.some((count) => count > 0));
    for (const [index, count] of into.entries())
      if (count > 0) windows.set(minute * ms10.blockWindows + index, count);
  }
  return new Map([...windows].sort(([a], [b]) => a - b));
}

describe('every message is in its window', () => {
  test.each([
    ['in whatever order they come', (times: number[]) => times],
    ['in order of time', (times: number[]) => times.toSorted((a, b) => a - b)],
  ])('%s', (_, inOrder) => {
    fc.assert(
      fc.property(
        timesMs,
        fc.shuffledSubarray(minutes, { minLength: minutes.length }),
        (all, order) => {
          const counts = new WindowCounts(places, mostPutBy);
          for (const at of inOrder(all)) counts.add(at);
          expect(found(counts, order)).toEqual(expected(all));
        },
      ),
      { numRuns: 20 },
    );
  });

  test('also of those that come after reading', () => {
    fc.assert(
      fc.property(timesMs, timesMs, (before, after) => {
        const counts = new WindowCounts(places, mostPutBy);
        for (const at of before) counts.add(at);
        found(counts, minutes);
        for (const at of after) counts.add(at);
        expect(found(counts, minutes)).toEqual(expected([...before, ...after]));
      }),
      { numRuns: 10 },
    );
  });

  test('through the last hour of the year 9999', () => {
    const counts = new WindowCounts();
    const last = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
    counts.add(last);
    const into = new Float64Array(ms10.blockWindows);
    counts.addTo(last - (last % min.windowMs), into);
    expect(into.at(-1)).toBe(1);
  });
});
