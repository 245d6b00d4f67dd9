import { largestTime } from '@reto3/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rowName, sublevelNames, timeKey } from './keys.ts';

const time = fc.integer({ min: 0, max: largestTime });

describe('a key', () => {
  it('is the time as 6 bytes, the most significant first', () => {
    expect([...timeKey.encode(0x0102_0304_0506)]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('reaches until the year 10889', () => {
    expect(new Date(largestTime).getUTCFullYear()).toBe(10_889);
    expect([...timeKey.encode(largestTime)]).toEqual([255, 255, 255, 255, 255, 255]);
  });

  it('decodes to its time, also in the middle of other bytes', () => {
    fc.assert(
      fc.property(time, (timeMs) => {
        expect(timeKey.decode(timeKey.encode(timeMs))).toBe(timeMs);
        const around = Uint8Array.from([9, ...timeKey.encode(timeMs), 9]);
        expect(timeKey.decode(around.subarray(1, 7))).toBe(timeMs);
      }),
    );
  });

  it('sorts as its time does', () => {
    const near = time.chain((a) =>
      fc.tuple(
        fc.constant(a),
        fc.oneof(
          time,
          fc.integer({ min: 0, max: 300 }).map((d) => a + d),
        ),
      ),
    );
    fc.assert(
      fc.property(near, ([a, other]) => {
        const b = Math.min(other, largestTime);
        expect(Buffer.compare(timeKey.encode(a), timeKey.encode(b))).toBe(Math.sign(a - b));
      }),
    );
  });

  it.each([-1, 0.5, largestTime + 1, Number.NaN, Number.POSITIVE_INFINITY])(
    'cannot encode %d',
    (timeMs) => expect(() => timeKey.encode(timeMs)).toThrow(RangeError),
  );
});

describe('a row', () => {
  it('is named by its series and its time', () => {
    expect(Buffer.from(rowName('ms10', 1_464_433_860_000)).toString()).toBe('ms10@1464433860000');
  });

  it('has a sublevel whose prefix is never the beginning of another', () => {
    const names = Object.values(sublevelNames).map((name) => `!${name}!`);
    for (const name of names)
      expect(names.filter((other) => other.startsWith(name))).toEqual([name]);
  });
});
