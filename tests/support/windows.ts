/** Windows to compare: start (epoch ms) → count. */

import type { Stats } from '@reto3/client/answers';
import { expect } from 'vitest';

export type Counts = ReadonlyMap<number, number>;

/** The challenge's format. */
export const linePattern = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}), (\d+)$/;

export function sumOf(counts: Counts): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}

/** Parses the output of `reto3 stats`; fails unless it is lines of the format, in order. */
export function parseLines(stdout: string): Counts {
  const counts = new Map<number, number>();
  if (stdout === '') return counts;
  expect(stdout.endsWith('\n'), 'the last line ends').toBe(true);
  let before = Number.NEGATIVE_INFINITY;
  for (const line of stdout.slice(0, -1).split('\n')) {
    const match = linePattern.exec(line);
    if (match === null) throw new Error(`got the line "${line}", want the format of the task`);
    const start = Date.parse(`${match[1]}T${match[2]}Z`);
    if (!(start > before)) throw new Error(`got the line "${line}" after a later one`);
    before = start;
    counts.set(start, Number(match[3]));
  }
  return counts;
}

export function countsOf(columns: Stats): Counts {
  expect(columns.counts).toHaveLength(columns.starts.length);
  return new Map(columns.starts.map((start, index) => [start, columns.counts[index] ?? 0]));
}

/** The windows of this length that shorter windows imply. */
export function rollUp(shorter: Counts, windowMs: number): Map<number, number> {
  const longer = new Map<number, number>();
  for (const [start, count] of shorter) {
    const window = Math.floor(start / windowMs) * windowMs;
    longer.set(window, (longer.get(window) ?? 0) + count);
  }
  return longer;
}

/** Asserts that each second is the sum of its ms10 windows, and each minute of its seconds. */
export function expectPeriodsAgree(ms10: Counts, sec: Counts, min: Counts): void {
  expect([...sec]).toEqual([...rollUp(ms10, 1_000)]);
  expect([...min]).toEqual([...rollUp(sec, 60_000)]);
}

/** Asserts that no window is missing between the first and the last. */
export function expectNoGap(counts: Counts, windowMs: number): void {
  const starts = [...counts.keys()];
  for (const [index, start] of starts.entries()) {
    if (start !== (starts[0] ?? 0) + index * windowMs)
      throw new Error(`got a gap before ${new Date(start).toISOString()}, want none`);
  }
}
