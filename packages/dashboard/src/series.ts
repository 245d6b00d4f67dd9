/**
 * Consecutive windows of one period as columns, and the gaps between them.
 *
 * Invariants: starts ascend, and every window of [from, to) that was counted, fully or in part, is
 * present, so a missing one is a gap.
 */
import type { Stats } from '@reto3/client/answers';
import type { Period } from './period.ts';
import type { Range } from './view.ts';

/** The fields that are kept of a /v1/stats answer or a /v1/live event. */
export interface Columns extends Pick<Stats, 'from' | 'to' | 'starts' | 'counts'> {
  /** The starts of partial windows. */
  readonly partial: readonly number[];
  readonly damaged: readonly Range[];
}

/** A time without counts. Damaged: counts exist but cannot be read. */
export interface Gap extends Range {
  readonly damaged: boolean;
}

export class Series {
  readonly period: Period;
  #from: number;
  #to: number;
  #starts: number[];
  #counts: number[];
  #partial: number[];
  #damaged: Range[];

  constructor(period: Period, columns: Columns) {
    this.period = period;
    this.#from = columns.from;
    this.#to = columns.to;
    this.#starts = [...columns.starts];
    this.#counts = [...columns.counts];
    this.#partial = [...columns.partial];
    this.#damaged = [...columns.damaged];
  }

  get from(): number {
    return this.#from;
  }

  get to(): number {
    return this.#to;
  }

  get starts(): readonly number[] {
    return this.#starts;
  }

  get counts(): readonly number[] {
    return this.#counts;
  }

  covers(range: Range): boolean {
    return this.#from <= range.from && this.#to >= range.to;
  }

  /** The part of a range that the series covers; undefined if there is none. */
  coveredPart(range: Range): Range | undefined {
    const [from, to] = [Math.max(range.from, this.#from), Math.min(range.to, this.#to)];
    return from < to ? { from, to } : undefined;
  }

  /** Appends later windows; windows that are already present stay unchanged. */
  append(columns: Columns): void {
    const { starts, counts } = columns;
    for (let row = 0; row < starts.length; row++) {
      const start = starts[row] ?? 0;
      if (start < this.#to) continue;
      this.#starts.push(start);
      this.#counts.push(counts[row] ?? 0);
    }
    this.#partial.push(...columns.partial.filter((start) => start >= this.#to));
    this.#damaged.push(...columns.damaged);
    this.#to = Math.max(this.#to, columns.to);
  }

  /** Drops the windows before a time, in steps large enough to be cheap. */
  dropBefore(time: number): void {
    const step = (this.#to - time) / 4;
    if (time - this.#from < step) return;
    const first = this.indexOf(time);
    this.#starts.splice(0, first);
    this.#counts.splice(0, first);
    this.#partial = this.#partial.filter((start) => start >= time);
    this.#damaged = this.#damaged.filter((range) => range.to > time);
    this.#from = time;
  }

  /** Index of the first window that starts at or after a time. */
  indexOf(time: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] ?? 0) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The count of the window at a time; undefined in a gap. */
  countAt(time: number): number | undefined {
    const start = time - (time % this.period.windowMs);
    const index = this.indexOf(start);
    return this.#starts[index] === start ? this.#counts[index] : undefined;
  }

  /** The partial windows that start in the range, oldest first. */
  partialIn({ from, to }: Range): Range[] {
    return this.#partial
      .filter((start) => start >= from && start < to)
      .map((start) => ({ from: start, to: start + this.period.windowMs }));
  }

  /** The gaps in the part of the range that the series covers, oldest first. */
  gapsIn(range: Range): Gap[] {
    const { windowMs } = this.period;
    const end = Math.min(range.to, this.#to);
    const gaps: Gap[] = [];
    let next = Math.max(range.from, this.#from);
    const index = this.indexOf(next - windowMs + 1);
    for (let at = index; at < this.#starts.length; at++) {
      const start = this.#starts[at] ?? 0;
      if (start >= end) break;
      if (start > next) gaps.push(this.#gap(next, start));
      next = start + windowMs;
    }
    if (next < end) gaps.push(this.#gap(next, end));
    return gaps;
  }

  #gap(from: number, to: number): Gap {
    return { from, to, damaged: this.#damaged.some((range) => range.from < to && range.to > from) };
  }
}
