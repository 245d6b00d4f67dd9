/**
 * One minute in memory: its 6,000 ms10 windows, and the 60 seconds and the minute they add up to.
 * Also tracks which windows no record has yet, and how many messages are not on disk.
 *
 * Invariant: all three periods are loaded together and grow by the same additions, so they stay
 * absolute values that may be written any number of times. They cannot be derived from the ms10
 * windows: retention may have deleted the ms10 block of a minute that a stepping clock returns to.
 */
import {
  allocateWindows,
  copyOf,
  isAnyCounted,
  joinWindows,
  ms10,
  ms10PerSecond,
  type PeriodName,
  periodNames,
  secondsOnly,
  secondsPerMinute,
  totalOf,
  type Windows,
} from '@reto3/core';

/** The windows that the store has of a minute, for each period. */
export type Stored = { readonly [name in PeriodName]?: Windows | undefined };

/** A window as a record has it. */
interface Taken {
  readonly window: number;
  readonly count: number;
  readonly revised: number;
  readonly counted: number;
}

export class Minute {
  /** Epoch ms of its start. */
  readonly start: number;
  /** 6,000 windows. */
  readonly ms10: Windows;
  /** 60 windows. */
  readonly sec: Windows;
  /** 1 window. */
  readonly min: Windows;
  /** The ms10 windows that changed since the last record, unordered, without duplicates. */
  #changed: number[] = [];
  /** 1 for each window in `#changed`. */
  readonly #isChanged = new Uint8Array(ms10.blockWindows);
  #unclosed = false;
  /**
   * Periods whose stored counts of this minute could not be read. Memory has only what came since,
   * so no reader and no block gets it.
   */
  unreadable: readonly PeriodName[];
  /** How many ms10 windows of each second, and of the minute, are gaps. */
  readonly #gapsInSecond = new Uint8Array(secondsPerMinute);
  #gaps = 0;
  /** The sum of the ms10 windows; undefined until it is needed. */
  #total: number | undefined;
  /** Messages in the stored blocks. */
  #inBlock: number;
  /** Messages in the blocks that are being written; undefined if none are, or after `settle`. */
  #closing: number | undefined;
  /** The ms10 windows as of the last written record; undefined until `recorded` is called. */
  #recorded: Windows | undefined;
  /** The windows of the record that is being written. */
  #taken: readonly Taken[] = [];
  /** Messages since the last record began. */
  #unsaved = 0;
  /** Messages in the record that is being written. */
  #inWrite = 0;

  /**
   * @param start epoch ms
   * @param stored the stored windows; absent periods have none
   */
  constructor(start: number, stored: Stored = {}, unreadable: readonly PeriodName[] = []) {
    this.start = start;
    this.unreadable = unreadable;
    this.ms10 = stored.ms10 ?? allocateWindows(ms10.blockWindows);
    this.sec = stored.sec ?? allocateWindows(secondsPerMinute);
    this.min = stored.min ?? allocateWindows(1);
    this.#inBlock = messagesIn(stored);
    this.#findGaps();
  }

  /** Epoch ms of its end. */
  get end(): number {
    return this.start + ms10.blockMs;
  }

  /** Whether it has changes that its blocks do not contain. */
  get unclosed(): boolean {
    return this.#unclosed;
  }

  /** Marks the ms10 windows [from, to) of this minute as counted. */
  markCounted(from: number, to: number): void {
    for (let window = from; window < to; window++) {
      if (this.ms10.counted[window] !== 0) continue;
      this.ms10.counted[window] = 1;
      this.#fillGap(Math.floor(window / ms10PerSecond));
      this.#markChanged(window);
    }
  }

  /**
   * Marks the seconds [from, to) of this minute as counted by a clock that ticks in seconds. Their
   * messages, earlier ones too, have no finer time from now on.
   */
  markSecondsOnly(from: number, to: number): void {
    for (let second = from; second < to; second++) {
      const first = second * ms10PerSecond;
      if (this.ms10.counted[first] === secondsOnly) continue;
      for (let window = first; window < first + ms10PerSecond; window++) {
        if (this.ms10.counted[window] === 0) this.#fillGap(second);
        this.ms10.counted[window] = secondsOnly;
      }
      this.#markChanged(first);
    }
  }

  /** One window of the second is no longer a gap. */
  #fillGap(second: number): void {
    this.#gapsInSecond[second] = Math.max(0, (this.#gapsInSecond[second] ?? 0) - 1);
    this.#gaps = Math.max(0, this.#gaps - 1);
    this.sec.counted[second] = 1;
    this.min.counted[0] = 1;
    this.sec.partial[second] = this.#gapsInSecond[second] === 0 ? 0 : 1;
    this.min.partial[0] = this.#gaps === 0 ? 0 : 1;
  }

  /**
   * Adds messages to a ms10 window, numbered from the start of the minute.
   * @param revises whether the window was final before
   */
  add(window: number, count: number, revises: boolean): void {
    this.markCounted(window, window + 1);
    const second = Math.floor(window / ms10PerSecond);
    addTo(this.ms10, window, count, revises);
    addTo(this.sec, second, count, revises);
    addTo(this.min, 0, count, revises);
    if (this.#total !== undefined) this.#total += count;
    this.#unsaved += count;
    this.#markChanged(window);
  }

  /** The sum of the ms10 windows. Cached, because every flush needs it and summing is slow. */
  get total(): number {
    this.#total ??= totalOf(this.ms10);
    return this.#total;
  }

  /** How many messages no written record contains. */
  get unsaved(): number {
    return this.#unsaved + this.#inWrite;
  }

  /** How many messages its stored blocks do not contain. */
  get outsideBlock(): number {
    return messagesIn(this) - this.#inBlock;
  }

  /** Whether its blocks are being written, or their write failed and may be on disk all the same. */
  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  /** Begins a record: returns the windows that changed since the last one, ascending. */
  takeChanges(): number[] {
    const windows = this.#changed.sort((a, b) => a - b);
    this.#changed = [];
    for (const window of windows) this.#isChanged[window] = 0;
    if (this.#recorded !== undefined)
      this.#taken = windows.map((window) => ({
        window,
        count: this.ms10.counts[window] ?? 0,
        revised: this.ms10.revised[window] ?? 0,
        counted: this.ms10.counted[window] ?? 0,
      }));
    this.#inWrite += this.#unsaved;
    this.#unsaved = 0;
    return windows;
  }

  /** Begins a record in a new journal: returns all counted windows, ascending. */
  takeAll(): number[] {
    this.#markAllChanged();
    return this.takeChanges();
  }

  /** The ms10 windows as of the last written record; maintained from the first call on. */
  recorded(): Windows {
    this.#recorded ??= copyOf(this.ms10);
    return this.#recorded;
  }

  /** The journal contains the ms10 windows as they are now. */
  markRecorded(): void {
    this.takeChanges();
    this.written();
  }

  /** Its blocks are being written as they are now. */
  beginClose(): void {
    this.#unclosed = false;
    this.#closing = messagesIn(this);
  }

  /** Its blocks are on disk, as they were at `beginClose`. */
  closed(): void {
    this.#inBlock = this.#closing ?? this.#inBlock;
    this.#closing = undefined;
  }

  /**
   * The write of its blocks failed, and this is what the store has of it. Returns how many more
   * messages its blocks contain than was known.
   */
  settle(stored: Stored): number {
    const more = messagesIn(stored) - this.#inBlock;
    this.#inBlock += more;
    this.#closing = undefined;
    return more;
  }

  /** The record that `takeChanges` or `takeAll` began was written. */
  written(): void {
    this.#inWrite = 0;
    const recorded = this.#recorded;
    if (recorded === undefined) return;
    for (const { window, count, revised, counted } of this.#taken) {
      recorded.counts[window] = count;
      recorded.revised[window] = revised;
      recorded.counted[window] = counted;
      if (counted !== secondsOnly) continue;
      const first = window - (window % ms10PerSecond);
      recorded.counted.fill(secondsOnly, first, first + ms10PerSecond);
    }
    this.#taken = [];
  }

  /** A write failed: everything must be written again, into a new journal. */
  writeFailed(): void {
    this.#unsaved += this.#inWrite;
    this.#inWrite = 0;
    this.#markAllChanged();
  }

  /** An fsync of the journal failed: only its block is certainly on disk. */
  syncFailed(): void {
    this.#inWrite = 0;
    this.#unsaved = this.outsideBlock;
  }

  /**
   * Adds the stored counts of this minute, which could not be read when the first message came.
   * A window counted in both was final before, so it is revised.
   */
  absorb(stored: Stored, unreadable: readonly PeriodName[] = []): void {
    this.unreadable = unreadable;
    this.#total = undefined;
    this.#inBlock = messagesIn(stored);
    for (const name of periodNames) {
      const [mine, theirs] = [this[name], stored[name]];
      if (theirs === undefined) continue;
      for (let index = 0; index < mine.counts.length; index++) {
        const counted = theirs.counted[index] ?? 0;
        if (counted === 0) continue;
        const more = mine.counts[index] ?? 0;
        mine.revised[index] = more > 0 ? 1 : (theirs.revised[index] ?? 0);
        mine.counted[index] = Math.max(counted, mine.counted[index] ?? 0);
        mine.counts[index] = more + (theirs.counts[index] ?? 0);
        mine.partial[index] = theirs.partial[index] ?? 0;
      }
    }
    this.#findGaps();
  }

  /**
   * Counts the gaps, and marks the seconds and the minute that they make partial. If retention has
   * deleted the ms10 windows, seconds and minute stay as whole as they were.
   */
  #findGaps(): void {
    const isDeleted = !isAnyCounted(this.ms10) && this.min.counted[0] === 1;
    if (isDeleted) {
      for (let second = 0; second < secondsPerMinute; second++)
        this.#gapsInSecond[second] = isWhole(this.sec, second) ? 0 : ms10PerSecond;
      this.#gaps = isWhole(this.min, 0) ? 0 : ms10.blockWindows;
      return;
    }
    const seconds = joinWindows(this.ms10, ms10PerSecond);
    this.#gaps = 0;
    for (let second = 0; second < secondsPerMinute; second++) {
      const first = second * ms10PerSecond;
      let gaps = 0;
      for (let window = first; window < first + ms10PerSecond; window++)
        gaps += this.ms10.counted[window] === 0 ? 1 : 0;
      this.#gapsInSecond[second] = gaps;
      this.#gaps += gaps;
    }
    this.sec.partial.set(seconds.partial);
    this.min.partial[0] = this.min.counted[0] === 1 && this.#gaps > 0 ? 1 : 0;
  }

  /** Marks all counted windows; of a `secondsOnly` second, the first and those with messages. */
  #markAllChanged(): void {
    const { counts, counted } = this.ms10;
    for (let window = 0; window < ms10.blockWindows; window++) {
      const isFirst = window % ms10PerSecond === 0;
      const isSecondsOnly = counted[window] === secondsOnly;
      if (isSecondsOnly ? isFirst || counts[window] !== 0 : counted[window] === 1)
        this.#markChanged(window);
    }
  }

  #markChanged(window: number): void {
    this.#unclosed = true;
    if (this.#isChanged[window] === 1) return;
    this.#isChanged[window] = 1;
    this.#changed.push(window);
  }
}

/** The messages of a minute, also those whose ms10 windows retention has deleted. */
function messagesIn({ min }: Stored): number {
  return min?.counts[0] ?? 0;
}

function isWhole({ counted, partial }: Windows, index: number): boolean {
  return counted[index] === 1 && partial[index] !== 1;
}

function addTo(windows: Windows, index: number, count: number, revises: boolean): void {
  const before = windows.counts[index];
  if (before === undefined) throw new Error(`BUG: window ${index} is outside of its minute`);
  windows.counts[index] = before + count;
  if (revises) windows.revised[index] = 1;
}
