import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Texts } from './texts.ts';

test('gives equal texts one number, others another, and has each text', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), (words) => {
      const texts = new Texts();
      const numbers = new Map<string, number>();
      for (const word of [...words, ...words]) {
        const bytes = Buffer.from(`x${word}x`);
        const number = texts.numberOf(bytes, 1, bytes.length - 1);
        expect(texts.text(number)).toBe(Buffer.from(word).toString());
        expect(numbers.get(word) ?? number).toBe(number);
        numbers.set(word, number);
      }
      expect(texts.count).toBe(new Set(words).size);
    }),
  );
});

test('grows', () => {
  const texts = new Texts();
  const bytesOf = (index: number): Buffer => Buffer.from(`/item/${index}`);
  for (let index = 0; index < 50_000; index++) {
    const bytes = bytesOf(index);
    expect(texts.numberOf(bytes, 0, bytes.length)).toBe(index);
  }
  const first = bytesOf(0);
  expect(texts.numberOf(first, 0, first.length)).toBe(0);
  expect(texts.text(49_999)).toBe('/item/49999');
});
