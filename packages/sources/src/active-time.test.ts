import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ActiveTime, maxSilenceMs } from './active-time.ts';

const windowMs = 10;

test('counts from the first message to the last, but for silences of more than a day', () => {
  const time = fc.integer({ min: 0, max: 40 * maxSilenceMs });
  fc.assert(
    fc.property(fc.array(time, { minLength: 1, maxLength: 60 }), (times) => {
      const active = new ActiveTime();
      for (const each of times) active.add(each);
      const wanted: { from: number; to: number }[] = [];
      for (const each of [...times].sort((a, b) => a - b)) {
        const from = each - (each % windowMs);
        const before = wanted.at(-1);
        if (before !== undefined && each - before.to <= maxSilenceMs) before.to = from + windowMs;
        else wanted.push({ from, to: from + windowMs });
      }
      expect(active.spans(windowMs)).toEqual(wanted);
    }),
  );
});
