/**
 * The minutes in memory: the current one, those that the ring reaches back to, and any other that a
 * stepping clock or a followed log adds to. Loads a minute from the store at the first addition,
 * and removes it once it is closed and out of reach.
 *
 * Invariant: a minute in memory is never behind the store, so memory takes precedence over it.
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
  /** Those that began while the store could not be read: its counts are still to be added. */
  readonly #unloaded = new Set<Minute>();
  /** The last minute that was looked up, nearly always the next one too. */
  #recent: Minute | undefined;
  #oldest = Number.POSITIVE_INFINITY;

  constructor(blocks: Blocks) {
    this.#blocks = blocks;
  }

  /** All minutes in memory, unordered. */
  all(): Iterable<Minute> {
    return this.#minutes.values();
  }

  get size(): number {
    return this.#minutes.size;
  }

  /** Those with changes that their blocks do not contain, unordered. */
  unclosed(): Minute[] {
    return [...this.#minutes.values()].filter((minute) => minute.unclosed);
  }

  /** Those that include the counts of the store, unordered. */
  loaded(): Minute[] {
    return [...this.#minutes.values()].filter((minute) => !this.#unloaded.has(minute));
  }

  /** The earliest start of all minutes that ever were in memory, epoch ms; Infinity if none was. */
  get oldest(): number {
    return this.#oldest;
  }

  /** Messages that no written record contains. */
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
   * Adds messages without a finer time to a second, numbered from the epoch. Marks all of it as
   * counted.
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

  /** Replays a minute of a journal record. Returns how many messages it adds. */
  replay({ start, windows, secondsOnly: seconds }: RecordedMinute): number {
    const minute = this.#at(start);
    let messages = 0;
    for (const second of seconds) minute.markSecondsOnly(second, second + 1);
    for (const { window, count, revised } of windows)
      messages += raise(minute, window, count, revised);
    minute.markRecorded();
    return messages;
  }

  /**
   * Replays a journal row, of an earlier version or a backup. Returns how many messages it adds.
   */
  replayRow({ start, windows: { counts, counted, revised } }: Row): number {
    const minute = this.#at(alignDown(start, ms10.blockMs));
    const first = (start - minute.start) / ms10.windowMs;
    let messages = 0;
    if (counted[0] === secondsOnly) {
      const second = first / ms10PerSecond;
      minute.markSecondsOnly(second, second + 1);
    }
    for (let index = 0; index < ms10PerSecond; index++) {
      if (counted[index] === 0) continue;
      messages += raise(minute, first + index, counts[index] ?? 0, revised[index] === 1);
    }
    minute.markRecorded();
    return messages;
  }

  /** Removes minutes that no worker can add to any more and whose blocks are on disk. */
  forget(nowMs: number): void {
    for (const minute of this.#minutes.values()) {
      const outOfReach = minute.end + reachMs < nowMs || minute.start - reachMs > nowMs;
      if (outOfReach && !minute.unclosed) this.#remove(minute);
    }
  }

  /** A write failed: all minutes must be written again. */
  rewriteAll(): void {
    for (const minute of this.#minutes.values()) minute.writeFailed();
  }

  /** An fsync of the journal failed: only blocks are certainly on disk. */
  syncFailed(): void {
    for (const minute of this.#minutes.values()) minute.syncFailed();
  }

  /**
   * Drops the oldest unclosed minutes beyond `max`. Returns how many messages are lost. Keeps those
   * of a failed checkpoint until `settle`: their messages may be on disk.
   */
  dropOldest(max: number): number {
    const unclosed = this.unclosed().sort((a, b) => a.start - b.start);
    let lost = 0;
    for (const minute of unclosed.slice(0, Math.max(0, unclosed.length - max))) {
      if (minute.isClosing) continue;
      lost += minute.outsideBlock;
      this.#remove(minute);
    }
    return lost;
  }

  /**
   * Adds the counts of the store to minutes that began while it could not be read.
   * @throws Reto3Error RETO3_STORE_FAILING; errors of LevelDB. Call it again then
   */
  loadMissing(): void {
    for (const minute of this.#unloaded) {
      const { stored, unreadable } = this.#blocks.readMinute(minute.start);
      minute.absorb(stored, unreadable);
      this.#unloaded.delete(minute);
    }
  }

  /**
   * Learns from the store whether the blocks of a failed checkpoint are on disk all the same.
   * @param onMore called with how many messages they add to the min blocks
   * @throws Reto3Error RETO3_STORE_FAILING; errors of LevelDB. Call it again then
   */
  settle(onMore: (messages: number) => void): void {
    for (const minute of this.#minutes.values()) {
      if (!minute.isClosing) continue;
      const { stored, unreadable } = this.#blocks.readMinute(minute.start);
      if (!unreadable.includes('min')) onMore(minute.settle(stored));
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

  /** Counting continues if the store fails: `loadMissing` adds its counts later. */
  #load(start: number): Minute {
    try {
      const { stored, unreadable } = this.#blocks.readMinute(start);
      return new Minute(start, stored, unreadable);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const minute = new Minute(start);
      this.#unloaded.add(minute);
      return minute;
    }
  }
}

/**
 * Raises a window to a recorded count, and marks it as counted. Counts only grow, so a block with
 * more is newer than the record. Returns how many messages it adds.
 */
function raise(minute: Minute, window: number, count: number, revised: boolean): number {
  const more = Math.max(0, count - (minute.ms10.counts[window] ?? 0));
  minute.add(window, more, revised);
  return more;
}
