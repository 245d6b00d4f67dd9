/**
 * Which rows of a node's reports the cluster still lacks: spans of time for each report and period,
 * not accumulators.
 *
 * A row is pending from before its write until a message with it is acknowledged: about to be
 * written, then new, then taken. What was taken and did not get through is pending anew.
 */
import { type Clock, largestTime, min, type PeriodName } from '@reto3/core';
import { rowMsOf } from '@reto3/engine';
import { type Span, Spans } from './spans.ts';

/** A row of a report, as it is named in the store. */
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

/** A minute's row that is not over is not worth more: it may be large, and is sent as a whole. */
const openMinuteEveryMs = 5_000;

/** The rows of one report and period. */
interface Series {
  readonly report: string;
  readonly period: PeriodName;
  /** What is not in the stream yet: the mark waits for it. */
  readonly fresh: Spans;
  /** When what is new was last read, monotonic ms. */
  freshReadAt: number;
}

/** A stretch of time of a series of which a message is under way. */
interface Taken extends RowSpan {
  readonly spans: Spans;
  to: number;
}

export class PendingRows {
  readonly #clock: Clock;
  readonly #series = new Map<string, Series>();
  /** Rows of the write that is under way, or of one that failed and comes again. */
  #writing: RowName[] = [];
  /** The last write of each row that changed since the last fsync. */
  readonly #unsynced = new Map<string, number>();
  /** Of what is read or sent: pending until it is acknowledged. */
  #taken: Taken[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** These rows are about to be written. */
  writing(rows: readonly RowName[]): void {
    this.#writing.push(...rows);
  }

  /** The write of all of them is done. */
  written(write: number): void {
    for (const row of this.#writing) {
      const rowMs = rowMsOf(row.period);
      this.#seriesOf(row.report, row.period).fresh.add(row.start, row.start + rowMs);
      this.#unsynced.set(nameOf(row), write);
    }
    this.#writing = [];
  }

  /** All writes up to that number are on the disk. */
  synced(write: number): void {
    for (const [name, last] of this.#unsynced) if (last <= write) this.#unsynced.delete(name);
  }

  /** Whether the store may lose again what it holds in that row. */
  mayBeUnsynced(row: RowName): boolean {
    const name = nameOf(row);
    return this.#unsynced.has(name) || this.#writing.some((writing) => nameOf(writing) === name);
  }

  /** All rows from that time on (epoch ms) are new to the cluster. */
  addFresh(report: string, period: PeriodName, from: number): void {
    this.#seriesOf(report, period).fresh.add(from, largestTime);
  }

  /** Where the first row begins that the cluster lacks; `largestTime` where it lacks none. */
  get oldest(): number {
    let oldest = largestTime;
    for (const { fresh } of this.#series.values()) oldest = Math.min(oldest, fresh.oldest);
    for (const { start } of this.#writing) oldest = Math.min(oldest, start);
    for (const { from, to } of this.#taken) if (from < to) oldest = Math.min(oldest, from);
    return oldest;
  }

  /** The first time at or after that one of which a row of the period is new; Infinity: none is. */
  firstFresh(period: PeriodName, timeMs: number): number {
    let first = Number.POSITIVE_INFINITY;
    for (const { period: ofSeries, fresh } of this.#series.values())
      if (ofSeries === period) first = Math.min(first, fresh.firstFrom(timeMs));
    return first;
  }

  /** Whether something new is due. @param all also what may wait */
  hasFresh(finalThrough: number, all: boolean): boolean {
    return this.#dueSeries(finalThrough, all).length > 0;
  }

  /**
   * Takes what is pending of what is due; it counts as pending until it is acknowledged.
   * @param all also what may wait
   */
  take(finalThrough: number, all: boolean): Taken[] {
    for (const series of this.#dueSeries(finalThrough, all)) {
      series.freshReadAt = this.#clock.read().monotonicMs;
      const { report, period, fresh } = series;
      for (let span = fresh.takeOldest(Infinity); span; span = fresh.takeOldest(Infinity))
        this.#taken.push({ report, period, spans: fresh, ...span });
    }
    return [...this.#taken];
  }

  /** What was taken and not read, from that time on (epoch ms), is taken another time. */
  putBack(taken: Taken, from: number): void {
    taken.spans.add(from, taken.to);
    taken.to = Math.max(taken.from, Math.min(taken.to, from));
  }

  /** What was taken is in the stream. */
  acknowledged(): void {
    this.#taken = [];
  }

  /** What was taken did not get through. */
  failed(): void {
    for (const { spans, from, to } of this.#taken) spans.add(from, to);
    this.#taken = [];
  }

  #seriesOf(report: string, period: PeriodName): Series {
    const name = `${report}/${period}`;
    let series = this.#series.get(name);
    if (series === undefined) {
      series = { report, period, fresh: new Spans(), freshReadAt: -Infinity };
      this.#series.set(name, series);
    }
    return series;
  }

  #dueSeries(finalThrough: number, all: boolean): Series[] {
    const { monotonicMs } = this.#clock.read();
    return [...this.#series.values()].filter(({ period, fresh, freshReadAt }) => {
      if (fresh.empty) return false;
      if (all || period !== 'min' || monotonicMs - freshReadAt >= openMinuteEveryMs) return true;
      return fresh.oldest + min.windowMs <= finalThrough;
    });
  }
}

function nameOf({ report, period, start }: RowName): string {
  return `${report}/${period}/${start}`;
}
