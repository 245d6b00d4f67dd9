/**
 * Makes the three series agree again, day by day, from intact rows.
 *
 * Counts only grow, and every write of a minute stores the same total in all three series. So the
 * largest of several totals of a minute is the newest, and rows with a smaller one are stale:
 * - if the ms10 windows have the newest total, seconds and minute are computed from them;
 * - otherwise, if the seconds have it, they are kept, and the ms10 windows are gone;
 * - otherwise the minute keeps the total, and ms10 windows and seconds are gone;
 * - the journal of a minute counts as ms10 only if another row, or the meta row, has its total,
 *   since a part of a journal looks like a quiet minute.
 *
 * Invariant: whatever is gone is recorded as gone, and never filled with a number.
 */
import {
  alignDown,
  allocateWindows,
  copyOf,
  isAnyCounted,
  joinWindows,
  min,
  ms10,
  ms10PerSecond,
  overwrite,
  periodNames,
  sec,
  secondsPerMinute,
  sliceOf,
  totalOf,
  type Windows,
} from '@reto3/core';
import type { KeyRange } from '../store/files/table.ts';
import { type Gone, holds, joinStretches, type Stretch } from '../store/gone.ts';
import type { Series } from '../store/keys.ts';
import type { Meta } from '../store/meta.ts';
import { type Dropped, mayHaveHeld } from '../store/salvage.ts';
import { allTime, type Change, type Store, type StoreSnapshot } from '../store/store.ts';

const minutesPerHour = sec.blockMs / min.windowMs;

/** The rows of one day, by start in epoch ms. */
interface Rows {
  readonly ms10: ReadonlyMap<number, Windows>;
  readonly sec: ReadonlyMap<number, Windows>;
  readonly min: Windows | undefined;
  /** A row per second. */
  readonly journal: ReadonlyMap<number, Windows>;
}

/** The windows of one minute that a row has; undefined if it counted none. */
type MinuteWindows = { readonly [name in keyof Gone]?: Windows | undefined };

/** What is missing in a folder. */
export interface Losses {
  readonly dropped: readonly Dropped[];
  /** Keys that damaged blocks may have held. */
  readonly lost: readonly KeyRange[];
  /**
   * Whether whole tables are missing. Then an absent row proves nothing, and a present one may be
   * from before its minute was complete.
   */
  readonly anyMissing: boolean;
  /** The present, epoch ms: nothing was counted later. */
  readonly nowMs: number;
  /** The time of missing writes, in which no row can be trusted. */
  readonly cut: Stretch | undefined;
}

export class Rebuild {
  readonly #meta: Meta;
  readonly #losses: Losses;
  readonly #droppedRows: ReadonlySet<string>;
  readonly #gone: Record<keyof Gone, Stretch[]>;

  constructor(meta: Meta, goneBefore: Gone, losses: Losses) {
    this.#meta = meta;
    this.#losses = losses;
    this.#droppedRows = new Set(
      losses.dropped.flatMap(({ row }) => (row ? `${row.series}@${row.start}` : [])),
    );
    this.#gone = { ms10: [...goneBefore.ms10], sec: [...goneBefore.sec], min: [...goneBefore.min] };
  }

  /** The changes that make the series agree on the day that starts at `day`, epoch ms. */
  async changesOf(snapshot: StoreSnapshot, day: number): Promise<Change[]> {
    const rows = await this.#read(snapshot, day);
    const minutes = allocateWindows(min.blockWindows);
    const hours = new Map<number, Windows>();
    const changes: Change[] = [];
    for (let index = 0; index < min.blockWindows; index++) {
      const start = day + index * min.windowMs;
      const hour = alignDown(start, sec.blockMs);
      const seconds = hours.get(hour) ?? allocateWindows(sec.blockWindows);
      const found = this.#minute(rows, start);
      const at = (index % minutesPerHour) * secondsPerMinute;
      if (found.min !== undefined) overwrite(minutes, index, found.min);
      if (found.sec !== undefined && start >= this.#meta.deletedBefore.sec) {
        overwrite(seconds, at, found.sec);
        hours.set(hour, seconds);
      }
      const had = rows.ms10.get(start);
      if (found.ms10 !== undefined && start >= this.#meta.deletedBefore.ms10) {
        if (!same(had, found.ms10)) changes.push({ put: 'ms10', start, windows: found.ms10 });
      } else if (had !== undefined) changes.push({ delete: 'ms10', start });
    }
    for (const [start, windows] of hours)
      if (!same(rows.sec.get(start), windows)) changes.push({ put: 'sec', start, windows });
    for (const start of rows.sec.keys())
      if (!hours.has(start)) changes.push({ delete: 'sec', start });
    for (const start of rows.journal.keys()) changes.push({ delete: 'journal', start });
    if (minutes.counted.includes(1)) {
      if (!same(rows.min, minutes)) changes.push({ put: 'min', start: day, windows: minutes });
    } else if (rows.min !== undefined) changes.push({ delete: 'min', start: day });
    return changes;
  }

  /** Everything that is gone; call it after the last day. */
  gone(): Gone {
    const { cut } = this.#losses;
    const joined = (stretches: readonly Stretch[]): Stretch[] =>
      joinStretches(cut === undefined ? stretches : [...stretches, cut]);
    const { ms10: tens, sec: seconds, min: minutes } = this.#gone;
    return { ms10: joined(tens), sec: joined(seconds), min: joined(minutes) };
  }

  async #read(snapshot: StoreSnapshot, day: number): Promise<Rows> {
    const range = { from: day, to: day + min.blockMs };
    const read = async (series: 'ms10' | 'sec' | 'min' | 'journal') => {
      const rows = new Map<number, Windows>();
      for await (const { start, windows } of snapshot.rows(series, range)) rows.set(start, windows);
      return rows;
    };
    return {
      ms10: await read('ms10'),
      sec: await read('sec'),
      min: (await read('min')).get(day),
      journal: await read('journal'),
    };
  }

  /** The windows of a minute to keep; records the others as gone. */
  #minute(rows: Rows, start: number): MinuteWindows {
    const stored = storedMinute(rows, start);
    const journal = overlay(stored.ms10, rows.journal, start);
    const open = this.#meta.open.find((minute) => minute.start === start)?.total;
    const totals = [stored.sec, stored.min].flatMap((windows) =>
      windows === undefined ? [] : totalOf(windows),
    );
    if (open !== undefined) totals.push(open);
    const tens = journal !== undefined && totals.includes(totalOf(journal)) ? journal : stored.ms10;
    if (tens !== undefined) totals.push(totalOf(tens));

    const { cut, anyMissing } = this.#losses;
    const wasGone = holds(this.#gone.min, start);
    if (wasGone || (cut !== undefined && holds([cut], start))) return this.#loseAll(start);
    if (totals.length === 0) {
      const wasCounted = journal !== undefined || this.#mayBeMissing(rows, start);
      return wasCounted ? this.#loseAll(start) : {};
    }
    const isComplete = [tens, stored.sec].some(
      (windows) => windows !== undefined && !windows.counted.includes(0),
    );
    if (anyMissing && !isComplete) return this.#loseAll(start);
    return this.#keep(start, Math.max(...totals), { ...stored, ms10: tens });
  }

  /** The windows of a minute that have its newest total; records those of a smaller one as gone. */
  #keep(start: number, total: number, stored: MinuteWindows): MinuteWindows {
    const { ms10: tens, sec: seconds } = stored;
    const minute = allocateWindows(1);
    minute.counts[0] = total;
    minute.counted[0] = 1;
    minute.revised[0] = stored.min?.revised[0] ?? 0;
    minute.partial[0] = stored.min?.partial[0] ?? 0;
    if (tens !== undefined && totalOf(tens) === total) {
      const joined = joinWindows(tens, ms10PerSecond);
      if (joined.revised.includes(1)) minute.revised[0] = 1;
      minute.partial[0] = tens.counted.includes(0) ? 1 : 0;
      return { ms10: tens, sec: joined, min: minute };
    }
    this.#lose(start, 'ms10');
    if (seconds !== undefined && totalOf(seconds) === total) return { sec: seconds, min: minute };
    this.#lose(start, 'sec');
    return { min: minute };
  }

  /** Whether a minute may have been counted although no row has it. */
  #mayBeMissing(rows: Rows, start: number): boolean {
    const { anyMissing, lost, nowMs } = this.#losses;
    if (anyMissing) return start < nowMs;
    const dropped = (series: Series, of: number): boolean =>
      this.#droppedRows.has(`${series}@${of}`) || mayHaveHeld(lost, series, of);
    const hour = alignDown(start, sec.blockMs);
    // An intact row that does not count the minute proves that no server was counting.
    if (rows.min !== undefined || rows.sec.has(hour)) return false;
    if (dropped('ms10', start) || dropped('sec', hour)) return true;
    for (let second = 0; second < secondsPerMinute; second++)
      if (dropped('journal', start + second * sec.windowMs)) return true;
    const day = alignDown(start, min.blockMs);
    return dropped('min', day) && start < this.#meta.deletedBefore.sec;
  }

  #loseAll(start: number): MinuteWindows {
    for (const name of periodNames) this.#lose(start, name);
    return {};
  }

  /** Records a minute of a period as gone, unless retention had deleted it. */
  #lose(start: number, name: keyof Gone): void {
    if (start >= this.#meta.deletedBefore[name])
      this.#gone[name].push({ from: start, to: start + min.windowMs });
  }
}

/** The starts of all days that have, or may have had, a row; epoch ms, ascending. */
export async function daysOf(
  store: Store,
  { dropped, lost, anyMissing }: Pick<Losses, 'dropped' | 'lost' | 'anyMissing'>,
): Promise<number[]> {
  const days = new Set<number>();
  const snapshot = store.snapshot();
  try {
    for (const series of ['journal', 'ms10', 'sec', 'min'] as const) {
      for await (const { start } of snapshot.encodedRows(series, allTime))
        days.add(alignDown(start, min.blockMs));
    }
  } finally {
    await snapshot.close();
  }
  const [oldest, newest] = [Math.min(...days), Math.max(...days)];
  for (const { row } of dropped) {
    // A damaged key may name any time.
    const day = row && alignDown(row.start, min.blockMs);
    if (day === undefined) continue;
    if (days.size === 0 || (day >= oldest - min.blockMs && day <= newest + min.blockMs))
      days.add(day);
  }
  for (let day = oldest; day <= newest; day += min.blockMs)
    if (anyMissing || mayHaveHeld(lost, 'min', day)) days.add(day);
  return [...days].sort((a, b) => a - b);
}

function storedMinute(rows: Rows, start: number): MinuteWindows {
  const hour = alignDown(start, sec.blockMs);
  const second = (start - hour) / sec.windowMs;
  const seconds = rows.sec.get(hour);
  const minute = (start - alignDown(start, min.blockMs)) / min.windowMs;
  return {
    ms10: counted(rows.ms10.get(start)),
    sec: counted(seconds && sliceOf(seconds, second, second + secondsPerMinute)),
    min: counted(rows.min && sliceOf(rows.min, minute, minute + 1)),
  };
}

function counted(windows: Windows | undefined): Windows | undefined {
  return windows !== undefined && isAnyCounted(windows) ? windows : undefined;
}

/**
 * The ms10 windows of a minute: its block overlaid with its journal; undefined without a journal.
 */
function overlay(
  block: Windows | undefined,
  journal: ReadonlyMap<number, Windows>,
  start: number,
): Windows | undefined {
  let minute: Windows | undefined;
  for (let second = 0; second < secondsPerMinute; second++) {
    const row = journal.get(start + second * sec.windowMs);
    if (row === undefined) continue;
    minute ??= block === undefined ? allocateWindows(ms10.blockWindows) : copyOf(block);
    const into = sliceOf(minute, second * ms10PerSecond, (second + 1) * ms10PerSecond);
    for (let index = 0; index < ms10PerSecond; index++) {
      // A row that a salvage brought back may be older than the block.
      if (row.counted[index] === 0 || (row.counts[index] ?? 0) < (into.counts[index] ?? 0))
        continue;
      overwrite(into, index, sliceOf(row, index, index + 1));
    }
  }
  return minute;
}

function same(a: Windows | undefined, b: Windows): boolean {
  if (a === undefined) return false;
  return (
    a.counts.every((count, index) => count === b.counts[index]) &&
    a.counted.every((bit, index) => bit === b.counted[index]) &&
    a.revised.every((bit, index) => bit === b.revised[index]) &&
    a.partial.every((bit, index) => bit === b.partial[index])
  );
}
