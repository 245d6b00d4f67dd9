/**
 * Reads blocks and verifies the three series against each other, so that a missing row, or one
 * under another key, is damage and not a gap.
 *
 * A checksum proves that a row is intact, not that all rows exist: a flipped bit in a key or in
 * LevelDB's index makes a row vanish. Every write of a minute gives the same total to all three
 * series in one batch, and a min block has the minutes of a whole day. So each ms10 block and each
 * minute of a sec block must add up to the count in the min block.
 */
import {
  alignDown,
  min,
  type OnDamage,
  type Period,
  type PeriodName,
  periods,
  reportDamage,
  sec,
  sliceOf,
  timeText,
  totalOf,
  type Windows,
} from '@reto3/core';
import { type Gone, holds, noneGone } from './gone.ts';
import type { Meta } from './meta.ts';
import { isMisplaced, type Row, type RowRange } from './rows.ts';
import type { StoreSnapshot } from './snapshot.ts';

const goneReason = 'it was lost before the data folder was repaired';

export class VerifiedSnapshot {
  readonly #snapshot: StoreSnapshot;
  readonly #deletedBefore: Meta['deletedBefore'];
  readonly #gone: Gone;
  readonly #onAnyDamage: OnDamage | undefined;

  /**
   * @param gone time ranges that no repair could save
   * @param onAnyDamage hears of all damage, beside each reader
   */
  constructor(
    snapshot: StoreSnapshot,
    deletedBefore: Meta['deletedBefore'],
    gone: Gone = noneGone,
    onAnyDamage?: OnDamage,
  ) {
    this.#onAnyDamage = onAnyDamage;
    this.#snapshot = snapshot;
    this.#deletedBefore = deletedBefore;
    this.#gone = gone;
  }

  /**
   * The verified blocks of a period that start within the range, in its order. Damaged and missing
   * ones go to `reader` instead, or are thrown if there is none.
   * @throws Reto3Error RETO3_BLOCK_DAMAGED; RETO3_STORE_FAILING if the store is closed meanwhile
   */
  async *rows(name: PeriodName, range: RowRange, reader?: OnDamage): AsyncGenerator<Row> {
    const onDamage: OnDamage = (damage) => {
      this.#onAnyDamage?.(damage);
      reportDamage(damage, reader);
    };
    const period = periods[name];
    const { reverse = false } = range;
    // Retention may have deleted only some of the blocks so far: none of them counts.
    const kept = { ...range, from: Math.max(range.from, this.#deletedBefore[name]) };
    // The time between one row and the next is searched for missing rows.
    let unseenFrom = alignDown(kept.from, period.blockMs);
    let unseenTo = range.to;
    for (const { from, to } of this.#gone[name]) {
      if (to <= kept.from || from >= range.to) continue;
      onDamage({ series: name, from, to, reason: goneReason, gone: true });
    }
    // The damaged blocks since the last intact one, which are not missing.
    const damagedSince = new Set<number>();
    const damaged: OnDamage = (damage) => {
      if (isMisplaced(damage)) return;
      const { from, to } = damage;
      onDamage(damage);
      if (to - from === period.blockMs) damagedSince.add(from);
      // The database failed, so this is the rest of the range.
      else if (reverse) unseenFrom = Math.max(unseenFrom, to);
      else unseenTo = Math.min(unseenTo, from);
    };
    const missing = async (from: number, to: number): Promise<void> => {
      const starts = await this.#missing(period, from, to);
      for (const start of starts.filter((one) => !damagedSince.has(one))) {
        const end = start + period.blockMs;
        onDamage({ series: name, from: start, to: end, reason: 'its block is missing' });
      }
    };

    for await (const row of this.#snapshot.rows(name, kept, damaged)) {
      const end = row.start + period.blockMs;
      await (reverse ? missing(end, unseenTo) : missing(unseenFrom, row.start));
      damagedSince.clear();
      if (reverse) unseenTo = row.start;
      else unseenFrom = end;
      const reason = await this.#disagreement(period, row);
      if (reason === undefined) yield this.#withoutGone(period, row);
      else onDamage({ series: name, from: row.start, to: end, reason });
    }
    await missing(unseenFrom, unseenTo);
  }

  close(): Promise<void> {
    return this.#snapshot.close();
  }

  #isGone(name: PeriodName, timeMs: number): boolean {
    return holds(this.#gone[name], timeMs);
  }

  /** Blanks the ranges in `gone`: a clock that steps back may have counted some messages there. */
  #withoutGone(period: Period, row: Row): Row {
    for (const { from, to } of this.#gone[period.name]) {
      const first = Math.max(0, (from - row.start) / period.windowMs);
      const end = Math.min(row.windows.counts.length, (to - row.start) / period.windowMs);
      if (first >= end) continue;
      for (const column of Object.values(sliceOf(row.windows, first, end))) column.fill(0);
    }
    return row;
  }

  /** Why a block is wrong; undefined if it agrees with the min block of its day. */
  async #disagreement(period: Period, row: Row): Promise<string | undefined> {
    if (period === min) return undefined;
    const day = await this.#day(alignDown(row.start, min.blockMs));
    if (day === undefined) return 'the min block of its day is missing or damaged';
    const perMinute = min.windowMs / period.windowMs;
    for (let at = 0; at < row.windows.counts.length; at += perMinute) {
      const start = row.start + at * period.windowMs;
      if (this.#isGone(period.name, start) || this.#isGone('min', start)) continue;
      const total = totalOf(sliceOf(row.windows, at, at + perMinute));
      const wanted = day.counts[minuteOfDay(start)];
      if (total !== wanted) {
        return `its minute ${timeText(start)} adds up to ${total}, want ${wanted}`;
      }
    }
    return undefined;
  }

  /** The starts of the blocks in [from, to) that should exist, according to another series. */
  async #missing(period: Period, from: number, to: number): Promise<number[]> {
    if (from >= to) return [];
    const starts = new Set<number>();
    if (period === min) {
      // A day that has a sec block also had a min block.
      for await (const start of this.#snapshot.starts('sec', { from, to }, ignore)) {
        // Not one that a flipped bit has moved, perhaps to a day that had no block.
        if (start % sec.blockMs === 0) starts.add(alignDown(start, min.blockMs));
      }
    } else {
      const days = { from: alignDown(from, min.blockMs), to };
      for await (const day of this.#snapshot.rows('min', days, ignore)) {
        for (const [minute, counted] of day.windows.counted.entries()) {
          const start = alignDown(day.start + minute * min.windowMs, period.blockMs);
          if (counted === 1 && start >= from && start < to) starts.add(start);
        }
      }
    }
    return [...starts].filter((start) => !this.#isGone(period.name, start));
  }

  #recentDay: { readonly start: number; readonly block: Windows | undefined } | undefined;

  /** The min block of a day; caches the last one. */
  async #day(start: number): Promise<Windows | undefined> {
    if (this.#recentDay?.start !== start) {
      let block: Windows | undefined;
      const range = { from: start, to: start + 1 };
      for await (const row of this.#snapshot.rows('min', range, ignore)) block = row.windows;
      this.#recentDay = { start, block };
    }
    return this.#recentDay.block;
  }
}

function minuteOfDay(timeMs: number): number {
  return (timeMs - alignDown(timeMs, min.blockMs)) / min.windowMs;
}

/** Damage in a series that only verifies another one is reported when that series is read. */
function ignore(): void {}
