import { expect, it } from 'vitest';
import { quantity } from './quantity.ts';

it.each([
  [0, '0 rows'],
  [1, '1 row'],
  [2, '2 rows'],
  ['1', '1 row'],
  ['1.5', '1.5 rows'],
  ['1,001', '1,001 rows'],
])('%j takes the plural unless it is one', (amount, text) => {
  expect(quantity(amount, 'row')).toBe(text);
});
