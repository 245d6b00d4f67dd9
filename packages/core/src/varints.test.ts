import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VarintReader, VarintWriter } from './varints.ts';

const number = fc.oneof(fc.nat(300), fc.maxSafeNat());
/** Of every length around one byte of length, in and beyond ASCII. */
const text = fc.oneof(
  fc.string({ maxLength: 300 }),
  fc.string({ unit: 'binary', maxLength: 150 }),
  fc.constantFrom('', 'é', 'a'.repeat(127), 'a'.repeat(128), `${'a'.repeat(126)}é`),
);
const bytes = fc.uint8Array({ maxLength: 200 });

describe('varints', () => {
  it('read what was written, in the same order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(number, text, bytes)), (values) => {
        const writer = new VarintWriter();
        for (const [n, t, b] of values) writer.number(n).text(t).bytes(b);
        const reader = new VarintReader(writer.end());
        for (const [n, t, b] of values) {
          expect(reader.number()).toBe(n);
          expect(reader.text()).toBe(Buffer.from(t).toString());
          expect(reader.bytes()).toEqual(b);
        }
        expect(reader.more).toBe(false);
      }),
    );
  });

  it('have texts as their length and UTF-8', () => {
    fc.assert(
      fc.property(text, (given) => {
        const utf8 = Buffer.from(given);
        expect(new VarintWriter().text(given).end()).toEqual(new VarintWriter().bytes(utf8).end());
      }),
    );
  });

  it.each(['number', 'text', 'bytes'] as const)('that end within a %s are refused', (kind) => {
    const written = new VarintWriter().number(300).end().subarray(0, 1);
    expect(() => new VarintReader(written)[kind]()).toThrow('too few bytes');
    const cut = new VarintWriter().text('abc').end().subarray(0, 3);
    if (kind !== 'number') expect(() => new VarintReader(cut)[kind]()).toThrow('too few bytes');
  });
});
