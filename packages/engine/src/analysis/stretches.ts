/**
 * Finds bursts and stalls in one pass over a series. `Largest` counts all of them and keeps only
 * the largest, so memory is bounded.
 */
import { ms10 } from '@reto3/core';

/** A stretch that begins when counts reach `rise` and ends before they fall below `fall`. */
export interface Burst {
  /** [from, to), epoch ms. */
  readonly from: number;
  readonly to: number;
  /** The largest window. */
  readonly peak: number;
  readonly total: number;
}

/** Empty windows with traffic right before and after them, [from, to), epoch ms. */
export interface Stall {
  readonly from: number;
  readonly to: number;
}

/** Counts stretches and keeps the largest. */
export class Largest<Stretch extends Stall> {
  readonly #sizeOf: (stretch: Stretch) => number;
  readonly #most: number;
  #kept: Stretch[] = [];
  #count = 0;
  #size = 0;
  #ms = 0;

  /** @param most how many to keep */
  constructor(most: number, sizeOf: (stretch: Stretch) => number) {
    this.#most = most;
    this.#sizeOf = sizeOf;
  }

  add(stretch: Stretch): void {
    this.#count++;
    this.#size += this.#sizeOf(stretch);
    this.#ms += stretch.to - stretch.from;
    this.#kept.push(stretch);
    // Sorting only when twice as many are kept makes adding cheap.
    if (this.#kept.length > 2 * this.#most) this.#trim();
  }

  /** The stretches added. */
  get count(): number {
    return this.#count;
  }

  /** The sum of all sizes. */
  get size(): number {
    return this.#size;
  }

  /** The sum of all lengths, ms. */
  get ms(): number {
    return this.#ms;
  }

  /** The largest, in order of time. */
  get list(): readonly Stretch[] {
    this.#trim();
    return [...this.#kept].sort((a, b) => a.from - b.from);
  }

  #trim(): void {
    this.#kept.sort((a, b) => this.#sizeOf(b) - this.#sizeOf(a) || a.from - b.from);
    this.#kept = this.#kept.slice(0, this.#most);
  }
}

/**
 * Finds bursts. Call `add` with each counted window, oldest first, then `end`. A gap ends a burst.
 */
export class BurstFinder {
  readonly #rise: number;
  readonly #fall: number;
  readonly #found: (burst: Burst) => void;
  #from: number | undefined;
  #to = 0;
  #peak = 0;
  #total = 0;

  /** @param fall at most `rise` */
  constructor(rise: number, fall: number, found: (burst: Burst) => void) {
    this.#rise = rise;
    this.#fall = fall;
    this.#found = found;
  }

  add(start: number, count: number): void {
    if (this.#from !== undefined) {
      if (count >= this.#fall && start === this.#to) {
        this.#grow(start, count);
        return;
      }
      this.end();
    }
    if (count < this.#rise) return;
    this.#from = start;
    this.#peak = 0;
    this.#total = 0;
    this.#grow(start, count);
  }

  end(): void {
    if (this.#from === undefined) return;
    this.#found({ from: this.#from, to: this.#to, peak: this.#peak, total: this.#total });
    this.#from = undefined;
  }

  #grow(start: number, count: number): void {
    this.#to = start + ms10.windowMs;
    this.#peak = Math.max(this.#peak, count);
    this.#total += count;
  }
}

/**
 * Finds stalls. Call `add` with each counted window, oldest first. Empty windows next to a gap, or
 * to an end of the range, are no stall.
 */
export class StallFinder {
  readonly #leastMs: number;
  readonly #found: (stall: Stall) => void;
  /** Start of the current empty windows, if traffic came right before them. */
  #from: number | undefined;
  /** End of the last window. */
  #to = Number.NaN;
  /** Whether there was traffic since the last gap. */
  #traffic = false;

  /** @param leastWindows the empty windows in a row that make a stall, at least 1 */
  constructor(leastWindows: number, found: (stall: Stall) => void) {
    this.#leastMs = leastWindows * ms10.windowMs;
    this.#found = found;
  }

  add(start: number, count: number): void {
    if (start !== this.#to) {
      this.#traffic = false;
      this.#from = undefined;
    }
    this.#to = start + ms10.windowMs;
    if (count === 0) {
      if (this.#traffic) this.#from ??= start;
      return;
    }
    if (this.#from !== undefined && start - this.#from >= this.#leastMs)
      this.#found({ from: this.#from, to: start });
    this.#from = undefined;
    this.#traffic = true;
  }
}
