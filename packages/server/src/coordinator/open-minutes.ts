/**
 * The minutes in memory: the open one, those that the ring still reaches back to, and any that a
 * stepping clock visits. Loads a minute from the store when something is added to it, and lets go
 * of it when it is closed and out of reach.
 *
 * Invariant: a minute in memory is never behind the store, so where both have a window, memory is
 * right.
 */
import { alignDown, min, ms10, ms10PerSecond, sec, secondsPerMinute } from '../period.ts';
import type { Row, Store } from '../store/store.ts';
import { reachMs } from '../window/layout.ts';
import { Minute } from '../window/minute.ts';
import type { WindowRange } from '../window/timeline.ts';
import { copyOf, sliceOf } from '../window/windows.ts';

export class OpenMinutes {
  readonly #store: Store;
  readonly #minutes = new Map<number, Minute>();
  /** The minute that was asked for last; nearly always the one that is asked for next. */
  #recent: Minute | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** All minutes in memory, in no order. */
  all(): Iterable<Minute> {
    return this.#minutes.values();
  }

  /** Adds messages to a ms10 window, numbered from the epoch. */
  add(window: number, count: number, revises: boolean): void {
    const start = alignDown(window * ms10.windowMs, ms10.blockMs);
    this.#at(start).add(window - start / ms10.windowMs, count, revises);
  }

  /** Marks ms10 windows, numbered from the epoch, as counted. */
  markCounted(range: WindowRange): void {
    for (let from = range.from; from < range.to; ) {
      const start = alignDown(from * ms10.windowMs, ms10.blockMs);
      const first = start / ms10.windowMs;
      const to = Math.min(range.to, first + ms10.blockWindows);
      this.#at(start).markCounted(from - first, to - first);
      from = to;
    }
  }

  /**
   * Takes over a journal row after a restart. The row is absolute for its ms10 windows; seconds and
   * minute grow by what it has more than the block. Returns how many messages that is.
   */
  recover(row: Row): number {
    const minute = this.#at(alignDown(row.start, ms10.blockMs));
    const first = (row.start - minute.start) / ms10.windowMs;
    let messages = 0;
    for (let index = 0; index < ms10PerSecond; index++) {
      if (row.windows.counted[index] !== 1) continue;
      const window = first + index;
      const more = (row.windows.counts[index] ?? 0) - (minute.ms10.counts[window] ?? 0);
      minute.add(window, more, row.windows.revised[index] === 1);
      messages += more;
    }
    minute.markJournaled(row.start);
    return messages;
  }

  /** Lets go of minutes that are closed and that no worker can add to any more. */
  forget(nowMs: number): void {
    for (const minute of this.#minutes.values()) {
      const outOfReach = minute.end + reachMs < nowMs || minute.start - reachMs > nowMs;
      if (!outOfReach || minute.unclosed) continue;
      this.#minutes.delete(minute.start);
      if (this.#recent === minute) this.#recent = undefined;
    }
  }

  #at(start: number): Minute {
    if (this.#recent?.start === start) return this.#recent;
    let minute = this.#minutes.get(start);
    if (minute === undefined) {
      minute = this.#load(start);
      this.#minutes.set(start, minute);
    }
    this.#recent = minute;
    return minute;
  }

  #load(start: number): Minute {
    const hour = alignDown(start, sec.blockMs);
    const day = alignDown(start, min.blockMs);
    const seconds = this.#store.readBlock('sec', hour);
    const minutes = this.#store.readBlock('min', day);
    const firstSecond = (start - hour) / sec.windowMs;
    const theMinute = (start - day) / min.windowMs;
    return new Minute(start, {
      ms10: this.#store.readBlock('ms10', start),
      sec: seconds && copyOf(sliceOf(seconds, firstSecond, firstSecond + secondsPerMinute)),
      min: minutes && copyOf(sliceOf(minutes, theMinute, theMinute + 1)),
    });
  }
}
