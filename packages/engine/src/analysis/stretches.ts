/** Stretches of a series that stand out: bursts and stalls. Bounded memory: the largest are kept. */
import { ms10 } from '@reto3/core';

/** A stretch in which the counts rose to a threshold and until they fell below another. */
export interface Burst {
  /** [from, to), epoch ms. */
  readonly from: number;
  readonly to: number;
  /** The largest window. */
  readonly peak: number;
  readonly total: number;
}

/** Empty windows between others that are not, [from, to), epoch ms. */
export interface Stall {
  readonly from: number;
  readonly to: number;
}

/** Bursts, or stalls: all are counted, the largest listed in the order of time. */
export class Largest<Stretch extends Stall> {
  readonly #sizeOf: (stretch: Stretch) => number;
  readonly #most: number;
  #kept: Stretch[] = [];
  #count = 0;
  #size = 0;
  #ms = 0;

  constructor(most: number, sizeOf: (stretch: Stretch) => number) {
    this.#most = most;
    this.#sizeOf = sizeOf;
  }

  add(stretch: Stretch): void {
    this.#count++;
    this.#size += this.#sizeOf(stretch);
    this.#ms += stretch.to - stretch.from;
    this.#kept.push(stretch);
    // Sorted now and then, so that each costs little.
    if (this.#kept.length > 2 * this.#most) this.#trim();
  }

  /** How many there were. */
  get count(): number {
    return this.#count;
  }

  /** Their sizes together. */
  get size(): number {
    return this.#size;
  }

  /** How long they were together, milliseconds. */
  get ms(): number {
    return this.#ms;
  }

  get list(): readonly Stretch[] {
    this.#trim();
    return [...this.#kept].sort((a, b) => a.from - b.from);
  }

  #trim(): void {
    this.#kept.sort((a, b) => this.#sizeOf(b) - this.#sizeOf(a) || a.from - b.from);
    this.#kept = this.#kept.slice(0, this.#most);
  }
}

/** Finds bursts. To be fed with each counted window, oldest first, and told the end. */
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
      // Nobody knows whether it went on through a gap.
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
 * Finds stalls: empty windows, so many in a row, with traffic right before and right after. What a
 * gap or the end of the range cuts off is none. To be fed with each counted window, oldest first.
 */
export class StallFinder {
  readonly #leastMs: number;
  readonly #found: (stall: Stall) => void;
  /** Where the empty windows begin that traffic came before; undefined where there are none. */
  #from: number | undefined;
  /** Where the windows that were seen without a gap end. */
  #to = Number.NaN;
  #traffic = false;

  /** @param leastWindows how many empty windows make a stall, at least 1 */
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
