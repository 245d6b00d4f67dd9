/**
 * One minute in memory: its 6,000 ms10 windows, the 60 seconds and the minute that they add up to.
 *
 * All three are loaded from the store together and grow by the same additions, so they stay
 * absolute values that may be written any number of times. (Deriving seconds and minutes from the
 * ms10 windows would be wrong for a minute whose ms10 block the retention has deleted and that a
 * stepping clock visits again.)
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

/** What the store has of a minute, period by period. */
export type Stored = { readonly [name in PeriodName]?: Windows | undefined };

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
  /** The ms10 windows that changed since the last record took them, in no order; each once. */
  #changed: number[] = [];
  /** 1 for each of them. */
  readonly #isChanged = new Uint8Array(ms10.blockWindows);
  #unclosed = false;
  /**
   * Periods of which the store may have more of this minute than could be read: what memory has of
   * them is only what came since, and is neither shown nor made a block.
   */
  lacking: readonly PeriodName[];
  /** How many ms10 windows of each second, and of the minute, nobody was counting. */
  readonly #gapsInSecond = new Uint8Array(secondsPerMinute);
  #gaps = 0;
  /** What the ms10 windows add up to; undefined until somebody asks. */
  #total: number | undefined;
  /** What its ms10 windows in the store's block add up to. */
  #inBlock: number;
  /** The same in the block that is being written. */
  #closing = 0;
  /** Its ms10 windows as the last record has them; undefined where nobody reads that. */
  #recorded: Windows | undefined;
  /** The windows of the record under way, as it has them. */
  #taken: readonly Taken[] = [];
  /** Messages since the last record began, and those that a record under way holds. */
  #unsaved = 0;
  #inWrite = 0;

  /**
   * @param stored what the store has of this minute, period by period; undefined where it has
   * nothing.
   */
  constructor(start: number, stored: Stored = {}, lacking: readonly PeriodName[] = []) {
    this.start = start;
    this.lacking = lacking;
    this.ms10 = stored.ms10 ?? allocateWindows(ms10.blockWindows);
    this.sec = stored.sec ?? allocateWindows(secondsPerMinute);
    this.min = stored.min ?? allocateWindows(1);
    this.#inBlock = stored.ms10 === undefined ? 0 : totalOf(stored.ms10);
    this.#findGaps();
  }

  /** Epoch ms of its end. */
  get end(): number {
    return this.start + ms10.blockMs;
  }

  /** Whether the blocks in the store lack something of this minute. */
  get unclosed(): boolean {
    return this.#unclosed;
  }

  /** Says that a server was counting during the ms10 windows [from, to) of this minute. */
  markCounted(from: number, to: number): void {
    for (let window = from; window < to; window++) {
      if (this.ms10.counted[window] !== 0) continue;
      this.ms10.counted[window] = 1;
      this.#fillGap(Math.floor(window / ms10PerSecond));
      this.#markChanged(window);
    }
  }

  /**
   * Says that the seconds [from, to) of this minute were counted by a clock that ticks in seconds:
   * of what comes in them, and of what came already, nothing finer is known any more.
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

  /** One window of that second is no gap any more. */
  #fillGap(second: number): void {
    this.#gapsInSecond[second] = Math.max(0, (this.#gapsInSecond[second] ?? 0) - 1);
    this.#gaps = Math.max(0, this.#gaps - 1);
    this.sec.counted[second] = 1;
    this.min.counted[0] = 1;
    this.sec.partial[second] = this.#gapsInSecond[second] === 0 ? 0 : 1;
    this.min.partial[0] = this.#gaps === 0 ? 0 : 1;
  }

  /**
   * Adds messages to a ms10 window of this minute. `revises` says that the window was final before.
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

  /** What its ms10 windows add up to. Kept, since every flush asks and adding 6,000 counts takes long. */
  get total(): number {
    this.#total ??= totalOf(this.ms10);
    return this.#total;
  }

  /** How many of its messages no record that was written holds. */
  get unsaved(): number {
    return this.#unsaved + this.#inWrite;
  }

  /** How many of its messages its block in the store does not hold. */
  get outsideBlock(): number {
    return this.total - this.#inBlock;
  }

  /** The windows that no record has as they are now, in ascending order; begins a record. */
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

  /** All windows that were counted, in ascending order; begins a record, of a new journal. */
  takeAll(): number[] {
    this.#markAllChanged();
    return this.takeChanges();
  }

  /** Its ms10 windows as the last record has them: what is kept from the first call on. */
  recorded(): Windows {
    this.#recorded ??= copyOf(this.ms10);
    return this.#recorded;
  }

  /** Says that the journal holds its ms10 windows as they are now. */
  markRecorded(): void {
    this.takeChanges();
    this.written();
  }

  /** Says that its blocks are being written as they are now. */
  beginClose(): void {
    this.#unclosed = false;
    this.#closing = this.total;
  }

  /** Its blocks are on the disk, as they were at `beginClose`. */
  closed(): void {
    this.#inBlock = this.#closing;
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

  /** A write failed: everything is to be written once more, into a new journal. */
  writeFailed(): void {
    this.#unsaved += this.#inWrite;
    this.#inWrite = 0;
    this.#markAllChanged();
  }

  /** An fsync of the journal failed: nobody knows what of it is on the disk but in its block. */
  syncFailed(): void {
    this.#inWrite = 0;
    this.#unsaved = this.outsideBlock;
  }

  /**
   * Adds what the store has of this minute, which could not be read when the first message came.
   * What was counted in both was final before, so it is revised.
   */
  absorb(stored: Stored, lacking: readonly PeriodName[] = []): void {
    this.lacking = lacking;
    this.#total = undefined;
    this.#inBlock = stored.ms10 === undefined ? 0 : totalOf(stored.ms10);
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
   * The gaps of the ms10 windows, and what is partial by them. Where retention has deleted the ms10
   * windows, a second or minute that was whole stays so.
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

  /** All that were counted; of a second that is known as a whole, those that say something. */
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

function isWhole({ counted, partial }: Windows, index: number): boolean {
  return counted[index] === 1 && partial[index] !== 1;
}

function addTo(windows: Windows, index: number, count: number, revises: boolean): void {
  const before = windows.counts[index];
  if (before === undefined) throw new Error(`BUG: window ${index} is outside of its minute`);
  windows.counts[index] = before + count;
  if (revises) windows.revised[index] = 1;
}
