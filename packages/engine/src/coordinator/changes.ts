/**
 * Which rows a flush writes: journal rows for the open minute, blocks for minutes that are over.
 *
 * A closed minute is one whole ms10 block, 60 windows of its hour's sec block and one of its day's
 * min block; its journal rows go in the same batch, so the counts are in exactly one of the two
 * places after any crash.
 */
import {
  alignDown,
  allocateWindows,
  min,
  ms10,
  ms10PerSecond,
  overwrite,
  type Period,
  sec,
  sliceOf,
  type Windows,
} from '@reto3/core';
import type { Minute } from '../ring/minute.ts';
import type { Change } from '../store/store.ts';
import type { Blocks } from './blocks.ts';

/** The journal rows of the seconds that changed since they were last written. */
export function journalRows(minute: Minute): Change[] {
  return minute.takeForJournal().map((start) => {
    const first = (start - minute.start) / ms10.windowMs;
    return { put: 'journal', start, windows: sliceOf(minute.ms10, first, first + ms10PerSecond) };
  });
}

/**
 * The changes that close these minutes, and those that cannot be closed because no period can take
 * them. Reads the blocks that they are part of; damaged ones stay as they are.
 */
export function closeMinutes(
  minutes: readonly Minute[],
  blocks: Blocks,
): { readonly changes: Change[]; readonly refused: readonly Minute[] } {
  const changes: Change[] = [];
  const closed = new Set<Minute>();
  for (const minute of minutes) {
    if (minute.lacking.includes('ms10')) continue;
    changes.push({ put: 'ms10', start: minute.start, windows: minute.ms10 });
    closed.add(minute);
  }
  for (const period of [sec, min]) changes.push(...enlarge(period, minutes, blocks, closed));
  for (const minute of closed)
    for (const start of minute.beginClose()) changes.push({ delete: 'journal', start });
  return { changes, refused: minutes.filter((minute) => !closed.has(minute)) };
}

/**
 * The blocks of a longer period that these minutes are part of, with the minutes written over them.
 */
function enlarge(
  period: Period,
  minutes: readonly Minute[],
  blocks: Blocks,
  closed: Set<Minute>,
): Change[] {
  const enlarged = new Map<number, Windows | 'damaged'>();
  for (const minute of minutes) {
    if (minute.lacking.includes(period.name)) continue;
    const start = alignDown(minute.start, period.blockMs);
    const windows =
      enlarged.get(start) ??
      blocks.read(period.name, start) ??
      allocateWindows(period.blockWindows);
    enlarged.set(start, windows);
    if (windows === 'damaged') continue;
    overwrite(windows, (minute.start - start) / period.windowMs, minute[period.name]);
    closed.add(minute);
  }
  return [...enlarged].flatMap(([start, windows]) =>
    windows === 'damaged' ? [] : { put: period.name, start, windows },
  );
}

/**
 * How long after its end a minute is closed: by then nearly every late message has come, and no
 * block is rewritten.
 */
const closeAfterMs = 1_000;

/** Whether a minute has ended, and long enough ago, at that wall time. */
export function isOver(minute: Minute, nowMs: number): boolean {
  return nowMs >= minute.start + ms10.blockMs + closeAfterMs;
}
