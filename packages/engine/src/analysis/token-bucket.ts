/**
 * The smallest token bucket that would have let a series pass: for a rate, how deep it has to be.
 *
 * A bucket of depth b that fills at rate r lets everything pass if, and only if, from any moment to
 * any later one no more than b + r · (time between) messages came (the arrival curve of R. L. Cruz,
 * A calculus for network delay, 1991; J.-Y. Le Boudec, P. Thiran, Network Calculus, 2001, section
 * 1.2). Where in its window a message came is not known, so the depth is for the worst case: the
 * first of the windows at its end, the last at its start. It is enough for sure, and no smaller one
 * is.
 */
import { ms10 } from '@reto3/core';

/** Tokens are reckoned in thousandths: what comes in a millisecond is a whole number of them then. */
const thousandths = 1_000;

export class BucketDepth {
  /** Messages in a second; in a millisecond as many thousandths. */
  readonly rate: number;
  /** The most that came up to the last window's end, less what the bucket gained after the first. */
  #excess = 0;
  #end = Number.NaN;
  #depth = 0;

  /** @param rate tokens that the bucket gains in a second, above 0; exact where it is whole */
  constructor(rate: number) {
    this.rate = rate;
  }

  /** Takes the next counted window, oldest first. In a gap nothing comes. */
  add(start: number, count: number): void {
    // Between the end of the last window and the start of this one, which a gap lies between.
    if (start > this.#end) this.#excess -= (start - this.#end) * this.rate;
    this.#excess = Math.max(0, this.#excess);
    const came = count * thousandths;
    // All that came before at its latest, and this window's at once.
    this.#depth = Math.max(this.#depth, this.#excess + came);
    // From its own end on: either only these count, or those before with a window's gain less.
    this.#excess = Math.max(0, this.#excess - ms10.windowMs * this.rate) + came;
    this.#end = start + ms10.windowMs;
  }

  /** Tokens, a whole number of at least 1. */
  get depth(): number {
    return Math.max(1, Math.ceil(this.#depth / thousandths));
  }
}
