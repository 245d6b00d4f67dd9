/** The lines show exactly the windows that the figures of the view count. */
import { expect, test } from 'vitest';
import { bandOf } from './band.ts';
import { linesOf, stepsOf } from './lines.ts';
import { periods } from './period.ts';
import { Series } from './series.ts';

const series = new Series(periods.ms10, {
  ...{ from: 0, to: 600, finalThrough: 600, partial: [], damaged: [] },
  starts: Array.from({ length: 60 }, (_, index) => index * 10),
  // Has a peak in the last window before the view.
  counts: Array.from({ length: 60 }, (_, index) => (index === 19 ? 900 : index)),
});
const range = { from: 200, to: 400 };

test('steps start at the first window of the view, and end at the end of the last', () => {
  const [times, , line] = stepsOf(series, range);
  expect(times).toEqual(Array.from({ length: 21 }, (_, index) => 200 + index * 10));
  expect(line).toEqual([...Array.from({ length: 20 }, (_, index) => 20 + index), 39]);
});

test('so does a band', () => {
  const [times, tops, line] = linesOf(bandOf(series, range, 100), range);
  expect(times).toEqual([200, 300, 400]);
  expect(tops).toEqual([29, 39, 39]);
  expect(line).toEqual([24, 34, 34]);
});
