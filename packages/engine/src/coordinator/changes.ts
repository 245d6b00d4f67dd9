/**
 * Closes minutes: makes the blocks that a checkpoint or an import writes.
 *
 * A closed minute is a ms10 block, 60 windows of the sec block of its hour and one window of the
 * min block of its day. All are encoded at one moment, so the three series agree.
 */
import {
  alignDown,
  allocateWindows,
  min,
  ms10,
  overwrite,
  type Period,
  sec,
  type Windows,
} from '@reto3/core';
import type { Minute } from '../ring/minute.ts';
import { encodeWindows, keptLevel } from '../store/codec.ts';
import { rowName } from '../store/keys.ts';
import type { Change } from '../store/store.ts';
import type { Blocks } from './blocks.ts';
import { EmptyMinute } from './empty-minute.ts';

export interface Closing<Closed> {
  readonly changes: readonly Change[];
  /** The minutes that they close. */
  readonly minutes: readonly Closed[];
  /** How many messages they add to the min blocks. */
  readonly messages: number;
}

/**
 * Makes the changes that close these minutes. A period whose block is damaged is left out, and a
 * minute if all three are.
 * @param level of deflate
 */
export function closeMinutes<Closed extends Minute | EmptyMinute>(
  minutes: readonly Closed[],
  blocks: Blocks,
  level = keptLevel,
): Closing<Closed> {
  const closed = new Set<Closed>();
  const changes: Change[] = [];
  for (const minute of minutes) {
    if (minute.unreadable.includes('ms10')) continue;
    changes.push(
      minute instanceof EmptyMinute
        ? { put: 'ms10', start: minute.start, bytes: minute.block }
        : blockChange(ms10, minute.start, minute.ms10, level),
    );
    closed.add(minute);
  }
  let messages = 0;
  const onMinute = (more: number): void => {
    messages += more;
  };
  changes.push(...enlarge(sec, { minutes, blocks, level }, closed, () => undefined));
  changes.push(...enlarge(min, { minutes, blocks, level }, closed, onMinute));
  return { changes, minutes: [...closed], messages };
}

interface Enlarged<Closed> {
  readonly minutes: readonly Closed[];
  readonly blocks: Blocks;
  readonly level: number;
}

/**
 * Reads the blocks of a longer period, and overwrites their part with these minutes.
 * @param closed receives the minutes
 * @param onMore receives how many messages each minute adds
 */
function enlarge<Closed extends Minute | EmptyMinute>(
  period: Period,
  { minutes, blocks, level }: Enlarged<Closed>,
  closed: Set<Closed>,
  onMore: (messages: number) => void,
): Change[] {
  const enlarged = new Map<number, Windows | 'damaged'>();
  for (const minute of minutes) {
    if (minute.unreadable.includes(period.name)) continue;
    const start = alignDown(minute.start, period.blockMs);
    const windows =
      enlarged.get(start) ??
      blocks.read(period.name, start) ??
      allocateWindows(period.blockWindows);
    enlarged.set(start, windows);
    if (windows === 'damaged') continue;
    const at = (minute.start - start) / period.windowMs;
    onMore((minute[period.name].counts[0] ?? 0) - (windows.counts[at] ?? 0));
    overwrite(windows, at, minute[period.name]);
    closed.add(minute);
  }
  return [...enlarged].flatMap(([start, windows]) =>
    windows === 'damaged' ? [] : blockChange(period, start, windows, level),
  );
}

function blockChange({ name }: Period, start: number, windows: Windows, level: number): Change {
  return { put: name, start, bytes: encodeWindows(windows, rowName(name, start), level) };
}

/** A minute closes so long after its end: late messages, which rewrite blocks, are rare by then. */
const closeAfterMs = 1_000;

/** Whether a minute can be closed at a wall time, epoch ms. */
export function isOver(minute: Minute, nowMs: number): boolean {
  return nowMs >= minute.start + ms10.blockMs + closeAfterMs;
}
