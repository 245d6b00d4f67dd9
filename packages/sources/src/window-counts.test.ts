import { min, ms10 } from '@reto3/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WindowCounts } from './window-counts.ts';

/** Far more minutes than are kept as columns. */
const maxLoaded = 4;
const lastMinute = 30;

test('has every message in its window, in whatever order they come', () => {
  const time = fc.record({
    minute: fc.integer({ min: 0, max: lastMinute }),
    ms: fc.integer({ min: 0, max: 59_999 }),
  });
  fc.assert(
    fc.property(fc.array(time, { maxLength: 400, size: 'max' }), (times) => {
      const counts = new WindowCounts(maxLoaded);
      const wanted = new Map<number, number>();
      for (const { minute, ms } of times) {
        const at = minute * min.windowMs + ms;
        counts.add(at);
        const window = Math.floor(at / ms10.windowMs);
        wanted.set(window, (wanted.get(window) ?? 0) + 1);
      }
      const found = new Map<number, number>();
      for (let minute = 0; minute <= lastMinute; minute++) {
        const into = new Float64Array(ms10.blockWindows);
        counts.addTo(minute * min.windowMs, into);
        for (const [index, count] of into.entries())
          if (count > 0) found.set(minute * ms10.blockWindows + index, count);
      }
      expect(found).toEqual(new Map([...wanted].sort(([a], [b]) => a - b)));
    }),
    { numRuns: 30 },
  );
});
