/**
 * The rows of a checkpoint: blocks for the minutes that are over.
 *
 * A closed minute is one whole ms10 block, 60 windows of its hour's sec block and one of its day's
 * min block, encoded at one moment, so that the three series agree whatever is counted meanwhile.
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

/** What closes minutes. */
export interface Closing {
  readonly changes: readonly Change[];
  readonly minutes: readonly Minute[];
  /** How many messages more than before the min blocks hold. */
  readonly messages: number;
}

/**
 * The changes that close these minutes; those that no period can take are left out. Reads the blocks
 * that they are part of; damaged ones stay as they are.
 * @param level of deflate
 */
export function closeMinutes(
  minutes: readonly Minute[],
  blocks: Blocks,
  level = keptLevel,
): Closing {
  const closed = new Set<Minute>();
  const changes: Change[] = [];
  for (const minute of minutes) {
    if (minute.lacking.includes('ms10')) continue;
    changes.push(blockChange(ms10, minute.start, minute.ms10, level));
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

interface Enlarged {
  readonly minutes: readonly Minute[];
  readonly blocks: Blocks;
  readonly level: number;
}

/**
 * The blocks of a longer period that these minutes are part of, with the minutes written over them.
 * @param onMore told how much more than before each minute has
 */
function enlarge(
  period: Period,
  { minutes, blocks, level }: Enlarged,
  closed: Set<Minute>,
  onMore: (messages: number) => void,
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

/**
 * How long after its end a minute is closed: by then nearly every late message has come, and no
 * block is rewritten.
 */
const closeAfterMs = 1_000;

/** Whether a minute has ended, and long enough ago, at that wall time. */
export function isOver(minute: Minute, nowMs: number): boolean {
  return nowMs >= minute.start + ms10.blockMs + closeAfterMs;
}
