import { allocateWindows, ms10PerSecond, sec, totalOf, type Windows } from '@reto3/core';
import { exampleBytes, formatDocument } from '@reto3/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadMessage, decodeMessage, encodeMessage, type NodeMessage } from './message.ts';
import { addSecond, packedBytes, packSecond, totalOfSecond } from './second.ts';

const windows: fc.Arbitrary<Windows> = fc
  .tuple(
    fc.constantFrom(0, 1, 255, 256, 65_535, 65_536, 2 ** 32 - 1),
    fc.array(fc.nat(), { minLength: ms10PerSecond, maxLength: ms10PerSecond }),
    fc.array(fc.boolean(), { minLength: ms10PerSecond, maxLength: ms10PerSecond }),
    fc.boolean(),
  )
  .map(([most, counts, counted, gaps]) => {
    const made = allocateWindows(ms10PerSecond);
    for (const [index, count] of counts.entries()) {
      made.counted[index] = gaps && counted[index] !== true ? 0 : 1;
      if (made.counted[index] === 1) made.counts[index] = count % (most + 1);
    }
    return made;
  });

const whole = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const message: fc.Arbitrary<NodeMessage> = fc
  .record({
    boot: whole,
    revision: whole,
    vouchedFrom: whole,
    mark: whole,
    clock: whole,
    leaving: fc.boolean(),
    first: fc.integer({ min: 0, max: 2 ** 40 }),
    rows: fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 0xffff }), windows), {
      maxLength: 5,
      selector: ([offset]) => offset,
    }),
  })
  .map(({ first, rows, ...rest }) => {
    rows.sort(([a], [b]) => a - b);
    const base = rows[0]?.[0] ?? 0;
    const seconds = rows.map(([offset, second]) => ({
      start: (first + offset - base) * sec.windowMs,
      packed: packSecond(second),
    }));
    return { ...rest, seconds };
  });

describe('a packed second', () => {
  it('is decoded as it was encoded, with any counts and gaps', () => {
    fc.assert(
      fc.property(windows, (second) => {
        const packed = packSecond(second);
        expect(packedBytes(packed[0] ?? 0)).toBe(packed.length);
        expect(totalOfSecond(packed)).toBe(totalOf(second));
        const read = allocateWindows(3 * ms10PerSecond);
        addSecond(packed, read, ms10PerSecond);
        expect(read.counts.subarray(ms10PerSecond, 2 * ms10PerSecond)).toEqual(second.counts);
        expect(read.counted.subarray(ms10PerSecond, 2 * ms10PerSecond)).toEqual(second.counted);
        expect(totalOf(read)).toBe(totalOf(second));
      }),
    );
  });

  it('adds up counts of any width', () => {
    fc.assert(
      fc.property(windows, windows, (one, other) => {
        const sum = allocateWindows(ms10PerSecond);
        for (const second of [one, other]) addSecond(packSecond(second), sum, 0);
        for (let index = 0; index < ms10PerSecond; index++) {
          expect(sum.counts[index]).toBe((one.counts[index] ?? 0) + (other.counts[index] ?? 0));
          expect(sum.counted[index]).toBe((one.counted[index] ?? 0) | (other.counted[index] ?? 0));
        }
      }),
    );
  });

  it.each([2 ** 32, -1, 0.5, Number.NaN])('rejects the count %d', (count) => {
    const second = allocateWindows(ms10PerSecond);
    second.counts[7] = count;
    expect(() => packSecond(second)).toThrow(RangeError);
  });
});

describe('a message', () => {
  it('is decoded as it was encoded', () => {
    fc.assert(
      fc.property(message, (sent) => {
        expect(decodeMessage(encodeMessage(sent, 'a'), 'a')).toEqual(sent);
      }),
    );
  });

  it('is rejected under the name of another node', () => {
    fc.assert(
      fc.property(message, (sent) => {
        expect(() => decodeMessage(encodeMessage(sent, 'a'), 'b')).toThrow(BadMessage);
      }),
    );
  });

  it('is rejected with any bit changed, and cut anywhere', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.nat(), (sent, bit, cut) => {
        const bytes = encodeMessage(sent, 'a');
        const short = bytes.subarray(0, cut % bytes.length);
        expect(() => decodeMessage(short, 'a')).toThrow(BadMessage);
        const at = bit % (8 * bytes.length);
        bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (1 << (at & 7));
        expect(() => decodeMessage(bytes, 'a')).toThrow(BadMessage);
      }),
    );
  });

  it('cannot hold seconds that are too far apart or out of order', () => {
    const packed = packSecond(allocateWindows(ms10PerSecond));
    const head = { boot: 1, revision: 1, vouchedFrom: 0, mark: 0, clock: 0, leaving: false };
    for (const starts of [
      [0, 0x1_0000_000],
      [1_000, 0],
    ]) {
      const seconds = starts.map((start) => ({ start, packed }));
      expect(() => encodeMessage({ ...head, seconds }, 'a')).toThrow(RangeError);
    }
  });
});

describe('docs/format.md', () => {
  it('shows a message as the code writes it', () => {
    const start = Date.UTC(2016, 4, 28, 11, 11, 11);
    const second = allocateWindows(ms10PerSecond);
    second.counted.fill(1, 0, 3);
    second.counts.set([300, 122, 5]);
    const sent = {
      boot: Date.UTC(2016, 4, 28, 9),
      revision: 20_300,
      vouchedFrom: Date.UTC(2016, 4, 28, 8, 57),
      mark: start + 10,
      clock: start + 35,
      leaving: false,
      seconds: [{ start, packed: packSecond(second) }],
    };
    const bytes = encodeMessage(sent, 'node-1');
    expect(exampleBytes('cluster message')).toBe(Buffer.from(bytes).toString('hex'));
    expect(formatDocument()).toContain(`Message version: **${bytes[0]}**`);
  });
});
