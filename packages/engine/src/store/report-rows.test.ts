import { periodNames } from '@reto3/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DamagedRow } from './codec.ts';
import {
  decodeRow,
  encodeRow,
  factsKey,
  factsRange,
  parseKey,
  RowEncoder,
  rowKey,
  rowRange,
} from './report-rows.ts';

const second = Date.UTC(2016, 4, 28, 11, 11, 11);
const key = rowKey('lag', 'ms10', second);
const windows = fc
  .uniqueArray(fc.tuple(fc.nat({ max: 99 }), fc.uint8Array({ maxLength: 200 })), {
    selector: ([index]) => index,
  })
  .map((pairs) => new Map(pairs));

describe('a row of a report', () => {
  it('decodes to what was encoded', () => {
    fc.assert(
      fc.property(windows, fc.boolean(), (written, partial) => {
        const read = decodeRow(encodeRow({ windows: written, partial }, key), key, 'ms10');
        expect(read.partial).toBe(partial);
        const bytes = [...read.windows].map(([index, part]) => [index, [...part]] as const);
        const wanted = [...written].map(([index, part]) => [index, [...part]] as const);
        expect(new Map(bytes)).toEqual(new Map(wanted));
      }),
    );
  });

  it('is damaged if a bit is flipped, if it is cut, or under another key', () => {
    const row = encodeRow({ windows: new Map([[3, Buffer.alloc(700, 'x')]]), partial: false }, key);
    for (let bit = 0; bit < 8 * row.length; bit++) {
      const flipped = Uint8Array.from(row);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => decodeRow(flipped, key, 'ms10')).toThrow(DamagedRow);
    }
    for (let length = 0; length < row.length; length++)
      expect(() => decodeRow(row.subarray(0, length), key, 'ms10')).toThrow(DamagedRow);
    expect(() => decodeRow(row, rowKey('lag', 'ms10', second + 1_000), 'ms10')).toThrow(DamagedRow);
  });
});

describe('a row that grows', () => {
  /** Windows of some KB, so that a few make a piece. */
  const step = fc.record({
    index: fc.nat({ max: 99 }),
    bytes: fc.integer({ min: 0, max: 3_000 }),
    seed: fc.nat(),
  });

  it('has all windows as they are, whichever changed', () => {
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 12 }), { maxLength: 6 }), (writes) => {
        const encoder = new RowEncoder(key);
        const held = new Map<number, Uint8Array>();
        for (const changes of writes) {
          for (const { index, bytes, seed } of changes)
            held.set(index, Buffer.alloc(bytes, `/shop/item/${seed % 1_000} `));
          const { windows: read } = decodeRow(
            encoder.encode({ windows: held, partial: false }),
            key,
            'ms10',
          );
          expect([...read.keys()]).toEqual([...held.keys()].sort((a, b) => a - b));
          for (const [index, bytes] of held)
            expect(Buffer.compare(read.get(index) ?? Buffer.from('none'), bytes)).toBe(0);
        }
      }),
    );
  });

  it('starts with the same bytes as before, which are not deflated again', () => {
    const encoder = new RowEncoder(key);
    const held = new Map<number, Uint8Array>();
    const grown = (from: number): Uint8Array => {
      for (let index = from; index < from + 10; index++)
        held.set(index, Buffer.from(Array.from({ length: 500 }, (_, at) => index * at).join()));
      return encoder.encode({ windows: held, partial: false });
    };
    const [first, second] = [grown(0), grown(10)];
    // The newest window and the checksum are at the end.
    const settled = first.length - 2_000;
    expect(settled).toBeGreaterThan(4_000);
    expect(second.subarray(0, settled)).toEqual(first.subarray(0, settled));
  });
});

describe('a key of a report', () => {
  it('names report, period and start', () => {
    for (const period of periodNames) {
      const start = Date.UTC(2016, 4, 28);
      expect(parseKey(rowKey('my-report', period, start))).toEqual({
        report: 'my-report',
        period,
        start,
      });
    }
    expect(parseKey(factsKey('my-report'))).toEqual({ report: 'my-report', facts: true });
    for (const other of ['lag', 'lag/ms10/', 'lag/hour/123456', '/', 'LAG/sec/123456'])
      expect(parseKey(Buffer.from(other))).toBeUndefined();
  });

  it('sorts by report, period and time, apart from facts', () => {
    const { gte, lt } = rowRange('lag', 'sec', second, second + 2_000);
    const within = (bytes: Uint8Array): boolean =>
      Buffer.compare(bytes, gte) >= 0 && Buffer.compare(bytes, lt) < 0;
    expect(within(rowKey('lag', 'sec', second))).toBe(true);
    expect(within(rowKey('lag', 'sec', second + 1_000))).toBe(true);
    expect(within(rowKey('lag', 'sec', second + 2_000))).toBe(false);
    expect(within(rowKey('lag-2', 'sec', second))).toBe(false);
    expect(within(rowKey('lag', 'min', second))).toBe(false);
    const isFacts = (bytes: Uint8Array): boolean =>
      Buffer.compare(bytes, factsRange.gte) >= 0 && Buffer.compare(bytes, factsRange.lt) < 0;
    expect(isFacts(factsKey('lag'))).toBe(true);
    expect(isFacts(rowKey('a', 'ms10', second))).toBe(false);
  });
});
