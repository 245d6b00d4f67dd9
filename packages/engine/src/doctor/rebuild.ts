/**
 * Makes the three series agree again, one day at a time, from rows that are each whole.
 *
 * Counts only grow, and every write of a minute puts the same total into all three series. So of
 * several totals for a minute the largest is the newest, a row with a smaller one is stale, and
 * nothing may be made of it:
 * - ms10 that has the newest total gives seconds and minute;
 * - otherwise the seconds that have it are kept, and the ms10 windows are gone;
 * - otherwise the total itself is kept as the minute, and the seconds are gone;
 * - the journal of a minute counts as ms10 only where another row, or the meta row, has its total:
 *   part of a journal looks like a quiet minute.
 * What is gone is written down, and never filled with a number.
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
import type { Change, Row, Store, StoreSnapshot } from '../store/store.ts';

const minutesPerHour = sec.blockMs / min.windowMs;

interface Rows {
  readonly ms10: ReadonlyMap<number, Windows>;
  readonly sec: ReadonlyMap<number, Windows>;
  readonly min: Windows | undefined;
  /** The journal's seconds. */
  readonly journal: ReadonlyMap<number, Windows>;
}

export interface Damaged {
  readonly dropped: readonly Dropped[];
  /** Keys that damaged blocks may have held. */
  readonly lost: readonly KeyRange[];
  /**
   * Whole tables are missing, so a row that is not there proves nothing, and one that is there may
   * be from before a minute was complete.
   */
  readonly anyMissing: boolean;
  /** Later than this nothing was counted yet; epoch ms. */
  readonly nowMs: number;
  /** From when on nothing can be relied on, because writes are missing; epoch ms. */
  readonly cut: Stretch | undefined;
}

export class Rebuild {
  readonly #meta: Meta;
  readonly #damaged: Damaged;
  readonly #droppedRows: ReadonlySet<string>;
  readonly gone: Record<keyof Gone, Stretch[]>;

  constructor(meta: Meta, goneBefore: Gone, damaged: Damaged) {
    this.#meta = meta;
    this.#damaged = damaged;
    this.#droppedRows = new Set(
      damaged.dropped.flatMap(({ row }) => (row ? `${row.series}@${row.start}` : [])),
    );
    this.gone = { ms10: [...goneBefore.ms10], sec: [...goneBefore.sec], min: [...goneBefore.min] };
  }

  /** The changes that make the series agree on one day. */
  async day(snapshot: StoreSnapshot, day: number): Promise<Change[]> {
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

  /** All that is gone, those stretches that touch as one. */
  allGone(): Gone {
    const { ms10: tens, sec: seconds, min: minutes } = this.gone;
    return {
      ms10: joinStretches(tens),
      sec: joinStretches(seconds),
      min: joinStretches(minutes),
    };
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

  /** What of a minute is to be kept; writes down what of it is gone. */
  #minute(rows: Rows, start: number): { ms10?: Windows; sec?: Windows; min?: Windows } {
    const hour = alignDown(start, sec.blockMs);
    const at = (start - hour) / sec.windowMs;
    const hourRow = rows.sec.get(hour);
    const stored = {
      ms10: counted(rows.ms10.get(start)),
      sec: counted(hourRow && sliceOf(hourRow, at, at + secondsPerMinute)),
      min: counted(rows.min && sliceOf(rows.min, minuteOfDay(start), minuteOfDay(start) + 1)),
    };
    const { cut } = this.#damaged;
    const open = this.#meta.open.find((minute) => minute.start === start)?.total;
    const journal = overlay(stored.ms10, rows.journal, start);
    const witnesses = [stored.sec, stored.min].flatMap((windows) =>
      windows === undefined ? [] : totalOf(windows),
    );
    if (open !== undefined) witnesses.push(open);
    const trusted =
      journal !== undefined && witnesses.includes(totalOf(journal)) ? journal : stored.ms10;
    if (trusted !== undefined) witnesses.push(totalOf(trusted));
    const wasGone = holds(this.gone.min, start);

    if (cut !== undefined && holds([cut], start)) return this.#lose(start, ['ms10', 'sec', 'min']);
    if (witnesses.length === 0 || wasGone) {
      if (wasGone || journal !== undefined || this.#mayBeMissing(rows, start))
        return this.#lose(start, ['ms10', 'sec', 'min']);
      return {};
    }
    const complete = [trusted, stored.sec].some(
      (windows) => !(windows?.counted.includes(0) ?? true),
    );
    if (this.#damaged.anyMissing && !complete) return this.#lose(start, ['ms10', 'sec', 'min']);
    const total = Math.max(...witnesses);
    const minute = allocateWindows(1);
    minute.counts[0] = total;
    minute.counted[0] = 1;
    minute.revised[0] = stored.min?.revised[0] ?? 0;
    minute.partial[0] = stored.min?.partial[0] ?? 0;
    const known = { min: minute };
    if (trusted !== undefined && totalOf(trusted) === total) {
      const seconds = joinWindows(trusted, ms10PerSecond);
      if (seconds.revised.includes(1)) minute.revised[0] = 1;
      minute.partial[0] = trusted.counted.includes(0) ? 1 : 0;
      return { ...known, ms10: trusted, sec: seconds };
    }
    if (stored.sec !== undefined && totalOf(stored.sec) === total) {
      this.#lose(start, ['ms10']);
      return { ...known, sec: stored.sec };
    }
    this.#lose(start, ['ms10', 'sec']);
    return known;
  }

  /** Whether a minute that no row tells of may have been counted. */
  #mayBeMissing(rows: Rows, start: number): boolean {
    const { anyMissing, lost, nowMs } = this.#damaged;
    if (anyMissing) return start < nowMs;
    const dropped = (series: Series, of: number): boolean =>
      this.#droppedRows.has(`${series}@${of}`) || mayHaveHeld(lost, series, of);
    const hour = alignDown(start, sec.blockMs);
    // A whole row that does not count the minute says that nobody was counting.
    if (rows.min !== undefined || rows.sec.has(hour)) return false;
    if (dropped('ms10', start) || dropped('sec', hour)) return true;
    for (let second = 0; second < secondsPerMinute; second++)
      if (dropped('journal', start + second * sec.windowMs)) return true;
    const day = alignDown(start, min.blockMs);
    return dropped('min', day) && start < this.#meta.deletedBefore.sec;
  }

  #lose(start: number, names: readonly (keyof Gone)[]): Record<string, never> {
    for (const name of names) {
      if (start < this.#meta.deletedBefore[name]) continue;
      this.gone[name].push({ from: start, to: start + min.windowMs });
    }
    return {};
  }
}

/** The starts of all days of which there is a row, or was one before it was dropped. */
export async function daysOf(
  store: Store,
  { dropped, lost, anyMissing }: Pick<Damaged, 'dropped' | 'lost' | 'anyMissing'>,
): Promise<number[]> {
  const days = new Set<number>();
  const snapshot = store.snapshot();
  try {
    for (const series of ['journal', 'ms10', 'sec', 'min'] as const) {
      const everything = { from: 0, to: 2 ** 48 - 1 };
      for await (const { start } of snapshot.encodedRows(series, everything))
        days.add(alignDown(start, min.blockMs));
    }
  } finally {
    await snapshot.close();
  }
  const [oldest, newest] = [Math.min(...days), Math.max(...days)];
  for (const { row } of dropped) {
    // A key that was flipped itself may name any time.
    const day = row && alignDown(row.start, min.blockMs);
    if (day === undefined) continue;
    if (days.size === 0 || (day >= oldest - min.blockMs && day <= newest + min.blockMs))
      days.add(day);
  }
  for (let day = oldest; day <= newest; day += min.blockMs)
    if (anyMissing || mayHaveHeld(lost, 'min', day)) days.add(day);
  return [...days].sort((a, b) => a - b);
}

function minuteOfDay(timeMs: number): number {
  return (timeMs - alignDown(timeMs, min.blockMs)) / min.windowMs;
}

function counted(windows: Windows | undefined): Windows | undefined {
  return windows !== undefined && isAnyCounted(windows) ? windows : undefined;
}

/** A minute of ms10 windows with its journal laid over the block; undefined without a journal. */
function overlay(
  block: Windows | undefined,
  journal: ReadonlyMap<number, Row['windows']>,
  start: number,
): Windows | undefined {
  let minute: Windows | undefined;
  for (let second = 0; second < secondsPerMinute; second++) {
    const row = journal.get(start + second * sec.windowMs);
    if (row === undefined) continue;
    minute ??= block === undefined ? allocateWindows(ms10.blockWindows) : copyOf(block);
    const into = sliceOf(minute, second * ms10PerSecond, (second + 1) * ms10PerSecond);
    for (let index = 0; index < ms10PerSecond; index++) {
      // A row that came back from before its minute was closed is behind the block.
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
