/**
 * Reads a range of windows, block by block: the store's blocks with the minutes in memory laid over
 * them.
 *
 * One chunk is the part of one block that lies in the range, so a day of ms10 needs no more memory
 * than a minute.
 */

import {
  alignDown,
  allocateWindows,
  type Chunk,
  copyOf,
  type OnDamage,
  overwrite,
  type Period,
  type Range,
  sliceOf,
  type Windows,
} from '@reto3/core';
import type { CountsView } from '../coordinator/coordinator.ts';
import type { Minute } from '../ring/minute.ts';

/**
 * The windows that start in [from, to), oldest first, or newest chunk first with `reverse`. Damaged
 * blocks go to `onDamage`, and their windows are left out; where nobody takes damage it is thrown.
 * @throws Reto3Error RETO3_BLOCK_DAMAGED
 */
export async function* readChunks(
  view: CountsView,
  period: Period,
  range: { readonly from: number; readonly to: number; readonly reverse?: boolean },
  onDamage?: OnDamage,
): AsyncGenerator<Chunk> {
  const { from, to, reverse = false } = range;
  const inMemory = minutesByBlock(view.minutes, period);
  const pending = [...inMemory.keys()].filter(
    (start) => start + period.blockMs > from && start < to,
  );
  pending.sort((a, b) => (reverse ? b - a : a - b));
  const comesBefore = (a: number, b: number): boolean => (reverse ? a > b : a < b);
  const chunk = (start: number, stored: Windows | undefined): Chunk =>
    cut(start, lay(period, start, stored, inMemory.get(start) ?? []), period, from, to);

  const blocks = { from: alignDown(from, period.blockMs), to, reverse };
  for await (const row of view.store.rows(period.name, blocks, onDamage)) {
    while (pending[0] !== undefined && comesBefore(pending[0], row.start)) {
      yield chunk(pending[0], undefined);
      pending.shift();
    }
    if (pending[0] === row.start) pending.shift();
    yield chunk(row.start, row.windows);
  }
  for (const start of pending) yield chunk(start, undefined);
}

/**
 * Where the newest `range.last` counted windows of the range begin, so that a plain range can be
 * read.
 */
export async function resolveLast(
  view: CountsView,
  period: Period,
  range: Range,
): Promise<{ readonly from: number; readonly to: number }> {
  if (range.last === undefined) return range;
  const { to, last } = range;
  // Or a server that has counted for less than that would be looked through from the epoch on.
  const from = Math.max(range.from, alignDown(Math.min(view.oldest, to), period.windowMs));
  // Nearly always there is no gap among them, and a look at the end of the range finds them all.
  const nearFrom = to - 2 * last * period.windowMs;
  if (nearFrom > from) {
    const near = await newest(view, period, { from: nearFrom, to }, last);
    if (near.missing === 0) return { from: near.oldest, to };
  }
  const { oldest } = await newest(view, period, { from, to }, last);
  return { from: oldest, to };
}

/** Where the newest `most` counted windows of a range begin, and how many fewer there are. */
async function newest(
  view: CountsView,
  period: Period,
  range: { readonly from: number; readonly to: number },
  most: number,
): Promise<{ readonly oldest: number; readonly missing: number }> {
  let missing = most;
  let oldest = range.to;
  // Whoever then reads the range is told of the damage in it.
  const chunks = readChunks(view, period, { ...range, reverse: true }, () => undefined);
  for await (const { start, windows } of chunks) {
    for (let index = windows.counted.length - 1; index >= 0; index--) {
      if (windows.counted[index] !== 1) continue;
      oldest = start + index * period.windowMs;
      missing--;
      if (missing === 0) return { oldest, missing };
    }
  }
  return { oldest, missing };
}

function minutesByBlock(minutes: readonly Minute[], period: Period): Map<number, Minute[]> {
  const blocks = new Map<number, Minute[]>();
  for (const minute of minutes) {
    if (minute.lacking.includes(period.name)) continue;
    const start = alignDown(minute.start, period.blockMs);
    const block = blocks.get(start);
    if (block === undefined) blocks.set(start, [minute]);
    else block.push(minute);
  }
  return blocks;
}

function lay(
  period: Period,
  start: number,
  stored: Windows | undefined,
  minutes: readonly Minute[],
): Windows {
  const [first] = minutes;
  if (first === undefined) return stored ?? allocateWindows(period.blockWindows);
  if (period.blockMs === first.end - first.start) return first[period.name];
  const windows = stored === undefined ? allocateWindows(period.blockWindows) : copyOf(stored);
  for (const minute of minutes)
    overwrite(windows, (minute.start - start) / period.windowMs, minute[period.name]);
  return windows;
}

/**
 * The windows of a block or minute that starts at `start`, cut to those that start in [from, to).
 */
export function cut(
  start: number,
  windows: Windows,
  period: Period,
  from: number,
  to: number,
): Chunk {
  const first = Math.max(0, Math.ceil((from - start) / period.windowMs));
  const end = Math.min(windows.counts.length, Math.ceil((to - start) / period.windowMs));
  return { start: start + first * period.windowMs, windows: sliceOf(windows, first, end) };
}
