import { allocateWindows, ms10, secondsOnly } from '@reto3/core';
import { expect, it } from 'vitest';
import type { CountsView } from '../coordinator/coordinator.ts';
import { findBursts } from './bursts.ts';
import { openSeries } from './series.ts';
import { whatIf } from './what-if.ts';

const start = Date.UTC(2016, 4, 28, 11, 11);
const end = start + ms10.blockMs;

/** A minute that a log counted in seconds only. */
function coarseView(): CountsView {
  return {
    ...{ finalThrough: end, newestEnd: end, oldest: start, minutes: [] },
    deletedBefore: { ms10: 0, sec: 0, min: 0 },
    store: {
      close: async () => undefined,
      async *rows() {
        const windows = allocateWindows(ms10.blockWindows);
        windows.counted.fill(secondsOnly);
        windows.counts.fill(7);
        yield { start, windows };
      },
    },
  };
}

it('an analysis of time that was counted in seconds only says so', async () => {
  const asked = { scope: 'node', from: String(start), to: String(end) } as const;
  const reason = expect.objectContaining({
    code: 'RETO3_NO_DATA',
    message: expect.stringContaining('ticks in seconds'),
  });
  const series = await openSeries(coarseView(), asked, end);
  await expect(findBursts(series, {})).rejects.toEqual(reason);
  await expect(whatIf(series, { capacity: '5' })).rejects.toEqual(reason);
});
