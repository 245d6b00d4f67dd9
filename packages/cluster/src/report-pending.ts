/**
 * Which rows of a node's reports the cluster still lacks: spans of time for each report and period,
 * not accumulators.
 *
 * A row is pending from before its write until a message with it is acknowledged: about to be
 * written, then fresh, then taken. If the message fails, it is fresh again.
 */
import { type Clock, largestTime, min, type PeriodName } from '@reto3/core';
import { rowMsOf } from '@reto3/engine';
import { type Span, Spans } from './spans.ts';

/** A row of a report, by its name in the store. */
export interface RowName {
  readonly report: string;
  readonly period: PeriodName;
  /** Epoch ms. */
  readonly start: number;
}

/** The rows of a report and period that start in a span of time. */
export interface RowSpan extends Span {
  readonly report: string;
  readonly period: PeriodName;
}

/** How often the row of an open minute is sent: it may be large, and is always sent whole. */
const openMinuteEveryMs = 5_000;

/** The rows of one report and period. */
interface Series {
  readonly report: string;
  readonly period: PeriodName;
  /** Rows that are in no message yet; the mark waits for them. */
  readonly fresh: Spans;
  /** When rows were last taken, monotonic ms. */
  takenAt: number;
}

/** Rows of a series in the message in flight. */
interface Taken extends RowSpan {
  readonly series: Series;
  to: number;
}

export class PendingRows {
  readonly #clock: Clock;
  readonly #series = new Map<string, Series>();
  /** Rows that may not be on disk, with their last write; undefined: not done yet, or failed. */
  readonly #unsynced = new Map<string, readonly [row: RowName, write: number | undefined]>();
  #taken: Taken[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** These rows are about to be written. */
  writing(rows: readonly RowName[]): void {
    for (const row of rows) this.#unsynced.set(nameOf(row), [row, undefined]);
  }

  /** All of them are written. */
  written(write: number): void {
    for (const [name, [row, last]] of this.#unsynced) {
      if (last !== undefined) continue;
      this.#unsynced.set(name, [row, write]);
      this.addFresh(row.report, row.period, row.start, row.start + rowMsOf(row.period));
    }
  }

  /** All writes up to that number are on disk. */
  synced(write: number): void {
    for (const [name, [, last]] of this.#unsynced)
      if (last !== undefined && last <= write) this.#unsynced.delete(name);
  }

  /** Whether a power cut may take back what the store holds in that row. */
  mayBeUnsynced(row: RowName): boolean {
    return this.#unsynced.has(nameOf(row));
  }

  /** The cluster lacks all rows that start in [from, to), epoch ms. */
  addFresh(report: string, period: PeriodName, from: number, to = largestTime): void {
    const name = `${report}/${period}`;
    let series = this.#series.get(name);
    if (series === undefined) {
      series = { report, period, fresh: new Spans(), takenAt: -Infinity };
      this.#series.set(name, series);
    }
    series.fresh.add(from, to);
  }

  /** The start of the first pending row; `largestTime` if there is none. */
  get oldest(): number {
    let oldest = largestTime;
    for (const { fresh } of this.#series.values()) oldest = Math.min(oldest, fresh.oldest);
    for (const [{ start }, write] of this.#unsynced.values())
      if (write === undefined) oldest = Math.min(oldest, start);
    for (const { from, to } of this.#taken) if (from < to) oldest = Math.min(oldest, from);
    return oldest;
  }

  /** The first time at or after that one with a fresh row of the period; Infinity if none is. */
  firstFresh(period: PeriodName, timeMs: number): number {
    let first = Number.POSITIVE_INFINITY;
    for (const { period: ofSeries, fresh } of this.#series.values())
      if (ofSeries === period) first = Math.min(first, fresh.firstFrom(timeMs));
    return first;
  }

  /** Whether fresh rows are due. @param all including rows that can wait */
  hasFresh(finalThrough: number, all: boolean): boolean {
    return this.#dueSeries(finalThrough, all).length > 0;
  }

  /** Takes the fresh rows that are due. @param all including rows that can wait */
  take(finalThrough: number, all: boolean): readonly Taken[] {
    for (const series of this.#dueSeries(finalThrough, all)) {
      series.takenAt = this.#clock.read().monotonicMs;
      const { report, period, fresh } = series;
      for (let span = fresh.takeOldest(Infinity); span; span = fresh.takeOldest(Infinity))
        this.#taken.push({ report, period, series, ...span });
    }
    return [...this.#taken];
  }

  /** The message has no room for rows from that time on (epoch ms): they are fresh again. */
  putBack(taken: Taken, from: number): void {
    taken.series.fresh.add(from, taken.to);
    taken.to = from;
  }

  /** The message was acknowledged. */
  acknowledged(): void {
    this.#taken = [];
  }

  /** The message failed. */
  failed(): void {
    for (const { series, from, to } of this.#taken) series.fresh.add(from, to);
    this.#taken = [];
  }

  #dueSeries(finalThrough: number, all: boolean): Series[] {
    const { monotonicMs } = this.#clock.read();
    return [...this.#series.values()].filter(({ period, fresh, takenAt }) => {
      if (fresh.empty) return false;
      if (all || period !== 'min' || monotonicMs - takenAt >= openMinuteEveryMs) return true;
      return fresh.oldest + min.windowMs <= finalThrough;
    });
  }
}

function nameOf({ report, period, start }: RowName): string {
  return `${report}/${period}/${start}`;
}
