import { expect, it } from 'vitest';
import { sec } from '../period.ts';
import { allocateWindows } from '../window/windows.ts';
import { eventText } from './live.ts';

it('an event has the columns of /v1/stats, what was revised included', () => {
  const windows = allocateWindows(3);
  windows.counts.set([7, 0, 5]);
  windows.counted.set([1, 0, 1]);
  windows.revised.set([0, 0, 1]);
  windows.partial.set([1]);
  const chunks = [{ start: 1_000, windows }];
  const text = eventText({
    period: sec,
    from: 1_000,
    to: 4_000,
    finalThrough: 4_010,
    chunks,
    damaged: [],
  });
  const [id, data = ''] = text.split('\ndata: ');
  expect(id).toBe('id: 4000');
  expect(JSON.parse(data)).toEqual({
    period: 'sec',
    windowMs: 1_000,
    from: 1_000,
    to: 4_000,
    finalThrough: 4_010,
    starts: [1_000, 3_000],
    counts: [7, 5],
    revised: [3_000],
    partial: [1_000],
    damaged: [],
    damagedPlaces: 0,
  });
});
