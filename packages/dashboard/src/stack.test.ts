import { expect, it } from 'vitest';
import { stackOf } from './stack.ts';

it('stacks the eight largest keys, and adds up all others', () => {
  const rows = Array.from({ length: 10 }, (_, key) => [
    [1_000, `/${key}`, 10 * (key + 1), 0],
    [2_000, `/${key}`, 1, 0],
  ]).flat();
  rows.push([2_000, '(other)', 7, 0]);
  const { layers, starts, max } = stackOf(rows, 1_000);
  expect(starts).toEqual([1_000, 2_000]);
  expect(max).toBe(550);
  expect(layers.map(({ key, total }) => [key, total])).toEqual([
    ...[9, 8, 7, 6, 5, 4, 3, 2].map((key) => [`/${key}`, 10 * (key + 1) + 1]),
    ['(other)', 10 + 20 + 2 + 7],
  ]);
  expect([...(layers[0]?.counts ?? [])]).toEqual([100, 1]);
});

it('has no layer of others if there are none, and nothing without rows', () => {
  expect(stackOf([[1_000, '/', 3, 3]], 1_000).layers).toHaveLength(1);
  expect(stackOf([], 1_000)).toMatchObject({ layers: [], starts: [], max: 0 });
});
