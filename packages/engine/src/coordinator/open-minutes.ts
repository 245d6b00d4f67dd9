/**
 * The minutes in memory: the open one, those that the ring still reaches back to, and any that a
 * stepping clock visits. Loads a minute from the store when something is added to it, and lets go
 * of it when it is closed and out of reach.
 *
 * Invariant: a minute in memory is never behind the store, so where both have a window, memory is
 * right.
 */
import { alignDown, ms10, ms10PerSecond, sec, secondsOnly } from '@reto3/core';
import type { RecordedMinute } from '../journal/record.ts';
import { reachMs } from '../ring/layout.ts';
import { Minute } from '../ring/minute.ts';
import type { WindowRange } from '../ring/timeline.ts';
import type { Row } from '../store/store.ts';
import type { Blocks } from './blocks.ts';

export class OpenMinutes {
  readonly #blocks: Blocks;
  readonly #minutes = new Map<number, Minute>();
  /** Those that began while the store could not be read: what it has of them is still to be added. */
  readonly #unloaded = new Set<Minute>();
  /** The minute that was asked for last; nearly always the one that is asked for next. */
  #recent: Minute | undefined;
  #oldest = Number.POSITIVE_INFINITY;

  constructor(blocks: Blocks) {
    this.#blocks = blocks;
  }

  /** All minutes in memory, in no order. */
  all(): Iterable<Minute> {
    return this.#minutes.values();
  }

  /** How many minutes are in memory. */
  get size(): number {
    return this.#minutes.size;
  }

  /** Those that no block holds as they are now, in no order. */
  unclosed(): Minute[] {
    return [...this.#minutes.values()].filter((minute) => minute.unclosed);
  }

  /** Those in memory of which nothing is missing, in no order. */
  loaded(): Minute[] {
    return [...this.#minutes.values()].filter((minute) => !this.#unloaded.has(minute));
  }

  /** The earliest start of all that ever were in memory, epoch ms; Infinity where none was. */
  get oldest(): number {
    return this.#oldest;
  }

  /** Messages that no write holds yet. */
  unsaved(): number {
    let messages = 0;
    for (const minute of this.#minutes.values()) messages += minute.unsaved;
    return messages;
  }

  /** Adds messages to a ms10 window, numbered from the epoch. */
  add(window: number, count: number, revises: boolean): void {
    const start = alignDown(window * ms10.windowMs, ms10.blockMs);
    this.#at(start).add(window - start / ms10.windowMs, count, revises);
  }

  /**
   * Adds messages to a second, numbered from the epoch, of which nothing finer is known: all of it
   * was counted then.
   */
  addToSecond(second: number, count: number, revises: boolean): void {
    const start = alignDown(second * sec.windowMs, ms10.blockMs);
    const index = second - start / sec.windowMs;
    const minute = this.#at(start);
    minute.markSecondsOnly(index, index + 1);
    minute.add(index * ms10PerSecond, count, revises);
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

  /** Whether a ms10 window, numbered from the epoch, was counted; loads its minute. */
  isCounted(window: number): boolean {
    const start = alignDown(window * ms10.windowMs, ms10.blockMs);
    return this.#at(start).ms10.counted[window - start / ms10.windowMs] !== 0;
  }

  /** Takes over what a record of the journal says of a minute. Returns how many messages that is. */
  replay({ start, windows, secondsOnly: seconds }: RecordedMinute): number {
    const minute = this.#at(start);
    let messages = 0;
    for (const second of seconds) minute.markSecondsOnly(second, second + 1);
    for (const { window, count, revised } of windows) {
      // Counts only grow, so where the block has more the record is from before it was written.
      const more = Math.max(0, count - (minute.ms10.counts[window] ?? 0));
      minute.add(window, more, revised);
      messages += more;
    }
    minute.markRecorded();
    return messages;
  }

  /**
   * Takes over a journal row of a folder of an earlier version, or of a backup. The row is absolute for its ms10 windows; seconds and
   * minute grow by what it has more than the block. Returns how many messages that is.
   */
  recover(row: Row): number {
    const minute = this.#at(alignDown(row.start, ms10.blockMs));
    const first = (row.start - minute.start) / ms10.windowMs;
    let messages = 0;
    if (row.windows.counted[0] === secondsOnly) {
      const second = first / ms10PerSecond;
      minute.markSecondsOnly(second, second + 1);
    }
    for (let index = 0; index < ms10PerSecond; index++) {
      if (row.windows.counted[index] === 0) continue;
      const window = first + index;
      // Counts only grow, so where the block has more the row is an old one that was left behind.
      const inBlock = minute.ms10.counts[window] ?? 0;
      const more = Math.max(0, (row.windows.counts[index] ?? 0) - inBlock);
      minute.add(window, more, row.windows.revised[index] === 1);
      messages += more;
    }
    minute.markRecorded();
    return messages;
  }

  /** Lets go of minutes that no worker can add to any more and whose blocks are on the disk. */
  forget(nowMs: number): void {
    for (const minute of this.#minutes.values()) {
      const outOfReach = minute.end + reachMs < nowMs || minute.start - reachMs > nowMs;
      if (outOfReach && !minute.unclosed) this.#remove(minute);
    }
  }

  /** Has all of them written once more. */
  rewriteAll(): void {
    for (const minute of this.#minutes.values()) minute.writeFailed();
  }

  /** The journal may be gone: only what blocks hold is written for certain. */
  syncFailed(): void {
    for (const minute of this.#minutes.values()) minute.syncFailed();
  }

  /**
   * Lets go of the oldest minutes that no write holds, so that at most `most` are kept; for a store
   * that fails for long. Returns how many messages are lost with them.
   */
  dropOldest(most: number): number {
    const unclosed = this.unclosed().sort((a, b) => a.start - b.start);
    let lost = 0;
    for (const minute of unclosed.slice(0, Math.max(0, unclosed.length - most))) {
      lost += minute.outsideBlock;
      this.#remove(minute);
    }
    return lost;
  }

  /**
   * Adds to minutes that began while the store could not be read what it has of them.
   * @throws Reto3Error RETO3_STORE_FAILING, and what LevelDB throws; to be called again
   */
  loadMissing(): void {
    for (const minute of this.#unloaded) {
      const { stored, lacking } = this.#blocks.readMinute(minute.start);
      minute.absorb(stored, lacking);
      this.#unloaded.delete(minute);
    }
  }

  #at(start: number): Minute {
    if (this.#recent?.start === start) return this.#recent;
    let minute = this.#minutes.get(start);
    if (minute === undefined) {
      minute = this.#load(start);
      this.#minutes.set(start, minute);
      this.#oldest = Math.min(this.#oldest, start);
    }
    this.#recent = minute;
    return minute;
  }

  #remove(minute: Minute): void {
    this.#minutes.delete(minute.start);
    this.#unloaded.delete(minute);
    if (this.#recent === minute) this.#recent = undefined;
  }

  /** Counting must go on whatever the store does: what it has is added later, if need be. */
  #load(start: number): Minute {
    try {
      const { stored, lacking } = this.#blocks.readMinute(start);
      return new Minute(start, stored, lacking);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const minute = new Minute(start);
      this.#unloaded.add(minute);
      return minute;
    }
  }
}
