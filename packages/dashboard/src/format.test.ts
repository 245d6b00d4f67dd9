/** Formats of numbers, times and axis labels. */
import { expect, test } from 'vitest';
import { roundUp, timeTicks } from './axis.ts';
import {
  compactText,
  dateTimeText,
  lengthText,
  percentText,
  shortText,
  tickText,
  timeText,
} from './format.ts';
import { periodFor } from './period.ts';

const time = Date.UTC(2026, 10, 23, 14, 50, 8, 240);

test('times are UTC, with the precision of their windows', () => {
  expect(timeText(time, 10)).toBe('14:50:08.240');
  expect(timeText(time, 1_000)).toBe('14:50:08');
  expect(dateTimeText(time, 60_000)).toBe('2026-11-23 14:50');
  expect(tickText(time, 20)).toBe('50:08.24');
  expect(tickText(time, 5_000)).toBe('14:50:08');
  expect(tickText(Date.UTC(2026, 10, 23), 3_600_000)).toBe('23 Nov');
});

test('numbers and lengths are short', () => {
  expect([0, 1.234, 49.96, 1234.5].map(shortText)).toEqual(['0', '1.23', '50', '1,235']);
  expect([0, 0.1234, 1].map(percentText)).toEqual(['0 %', '12.3 %', '100 %']);
  expect([0, 9_999, 245_795].map(compactText)).toEqual(['0', '9,999', '245.8K']);
  expect([250, 2_310, 60_000, 12_000_000, 86_400_000].map(lengthText)).toEqual([
    '250 ms',
    '2.31 s',
    '1 min',
    '3 h 20 min',
    '1 d',
  ]);
});

test('labels of a time axis are at round times and do not overlap', () => {
  for (const spanMs of [200, 1_500, 60_000, 3_600_000, 86_400_000, 31 * 86_400_000]) {
    for (const widthPx of [250, 600, 1_200]) {
      const { stepMs, at } = timeTicks(time - spanMs, time, widthPx);
      expect(at.length).toBeGreaterThan(0);
      for (const each of at) expect(each % stepMs).toBe(0);
      expect((stepMs / spanMs) * widthPx).toBeGreaterThanOrEqual(72);
    }
  }
});

test('an axis ends at a round number above the largest count', () => {
  expect([0, 3, 17, 393, 1_001].map(roundUp)).toEqual([4, 4, 20, 400, 1_200]);
});

test('the period follows from the span', () => {
  const names = [60_000, 120_000, 120_001, 3_600_000, 86_400_000].map((ms) => periodFor(ms).name);
  expect(names).toEqual(['ms10', 'ms10', 'sec', 'sec', 'min']);
});
