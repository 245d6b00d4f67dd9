import { expect, test } from 'vitest';
import { sqlRange } from './sql-range.ts';

const nowMs = Date.UTC(2016, 4, 28, 12);

test('a range is whole windows of 10 ms, for messages and counts', () => {
  const range = sqlRange('/nowhere', { from: '1464436800001', to: '1464436805009' }, nowMs);
  expect(range).toEqual({
    messages: { from: 1_464_436_800_010, to: 1_464_436_805_010 },
    counts: { from: 1_464_436_800_010, to: 1_464_436_805_010 },
  });
});

test.each([
  ['1m', '2m'],
  ['5m', '5m'],
])('from %s to %s is refused', (from, to) => {
  expect(() => sqlRange('/nowhere', { from, to }, nowMs)).toThrow(
    `got from "${from}" and to "${to}", want from before to`,
  );
});
