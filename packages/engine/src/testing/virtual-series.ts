/** Series of made-up counts, for tests. */
import { ms10, Reto3Error } from '@reto3/core';
import { poissonFrom, Random } from '@reto3/core/testing';
import type { Series } from '../analysis/series.ts';

/** A whole minute, so that windows of every scale begin with the series. */
export const seriesStart = Date.UTC(2016, 4, 28, 11, 11);

/** Counts of consecutive ms10 windows; undefined is a gap. */
export function seriesOf(counts: ArrayLike<number | undefined>): Series {
  const to = seriesStart + counts.length * ms10.windowMs;
  return {
    scope: 'node',
    from: seriesStart,
    to,
    finalThrough: to,
    damaged: () => ({ damaged: [], damagedPlaces: 0 }),
    noData: () => new Reto3Error('RETO3_NO_DATA', 'nothing was counted in that range'),
    each: async (visit) => {
      for (let index = 0; index < counts.length; index++) {
        const count = counts[index];
        if (count !== undefined) visit(seriesStart + index * ms10.windowMs, count);
      }
    },
  };
}

/** Counts of independent clients, with a mean per window. */
export function poissonCounts(windows: number, mean: number, seed: number): Float64Array {
  const next = poissonFrom(mean, new Random(seed));
  return Float64Array.from({ length: windows }, next);
}

/** Counts of a clock: one message every 1 ÷ rate seconds, each up to `latenessMs` late. */
export function clockCounts(
  windows: number,
  rate: number,
  seed: number,
  latenessMs = 0,
): Float64Array {
  const random = new Random(seed);
  const intervalMs = 1_000 / rate;
  const counts = new Float64Array(windows);
  const endMs = windows * ms10.windowMs;
  for (let due = random.next() * intervalMs - latenessMs; due < endMs; due += intervalMs) {
    const index = Math.floor((due + random.next() * latenessMs) / ms10.windowMs);
    if (index >= 0 && index < windows) counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}
