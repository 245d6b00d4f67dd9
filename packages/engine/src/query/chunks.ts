/**
 * Reads a range of windows, block by block: the stored blocks, overlaid with the minutes in memory.
 * Every query, audit and analysis reads through it.
 *
 * A chunk is the part of one block that lies in the range, so reading a day of ms10 needs no more
 * memory than reading a minute.
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
 * The windows that start in [from, to), epoch ms, oldest first; with `reverse`, the newest chunk
 * first. Leaves out the windows of damaged blocks and passes the damage to `onDamage`.
 * @throws Reto3Error RETO3_BLOCK_DAMAGED if there is no `onDamage`
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
    cut(start, overlay(period, start, stored, inMemory.get(start) ?? []), period, from, to);

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

/** Turns a range with `last` into a plain one: it starts with the newest `last` counted windows. */
export async function resolveLast(
  view: CountsView,
  period: Period,
  range: Range,
): Promise<{ readonly from: number; readonly to: number }> {
  if (range.last === undefined) return range;
  const { to, last } = range;
  // A server with fewer windows than that would otherwise be searched from the epoch on.
  const from = Math.max(range.from, alignDown(Math.min(view.oldest, to), period.windowMs));
  // There is seldom a gap among them, so the end of the range nearly always has them all.
  const nearFrom = to - 2 * last * period.windowMs;
  if (nearFrom > from) {
    const near = await newest(view, period, { from: nearFrom, to }, last);
    if (near.missing === 0) return { from: near.oldest, to };
  }
  const { oldest } = await newest(view, period, { from, to }, last);
  return { from: oldest, to };
}

/** The start of the newest `most` counted windows of a range, and how many are missing. */
async function newest(
  view: CountsView,
  period: Period,
  range: { readonly from: number; readonly to: number },
  most: number,
): Promise<{ readonly oldest: number; readonly missing: number }> {
  let missing = most;
  let oldest = range.to;
  // Reading the range reports its damage.
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
    if (minute.unreadable.includes(period.name)) continue;
    const start = alignDown(minute.start, period.blockMs);
    const block = blocks.get(start);
    if (block === undefined) blocks.set(start, [minute]);
    else block.push(minute);
  }
  return blocks;
}

/** A block with the minutes in memory laid over it. */
function overlay(
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

/** The windows, the first of which starts at `start`, cut to those that start in [from, to). */
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
