/**
 * Whatever the length of the view, the heat map covers it with enough columns to show a pattern.
 */
import { expect, test } from 'vitest';
import { foldFor } from './fold.ts';
import { maxSpanMs, minSpanMs, periodFor } from './period.ts';

test('windows divide columns, and a view has two to a thousand columns', () => {
  for (let spanMs = minSpanMs; spanMs <= maxSpanMs; spanMs = Math.ceil(spanMs * 1.1)) {
    const { period, columnMs } = foldFor(spanMs);
    expect(columnMs % period.windowMs).toBe(0);
    expect(spanMs / columnMs).toBeGreaterThanOrEqual(2);
    expect(spanMs / columnMs).toBeLessThanOrEqual(1_000);
    // The most windows that fit into one answer of the server.
    expect(spanMs / period.windowMs).toBeLessThanOrEqual(45_000);
  }
});

test('names its columns', () => {
  const columns = [200, 60_000, 300_000, 900_000, 86_400_000].map((ms) => foldFor(ms).column);
  expect(columns).toEqual(['100 ms', 'second', 'second', 'minute', 'hour']);
});

test('has no 10 ms windows of a clock that ticks in seconds', () => {
  const periods = [200, 60_000, 300_000].map((ms) => foldFor(ms, 1_000).period.name);
  expect(periods).toEqual(['sec', 'sec', 'sec']);
  expect(periodFor(60_000, 1_000).name).toBe('sec');
  expect(periodFor(60_000).name).toBe('ms10');
});
