/**
 * The depth of the smallest token bucket of a given rate that passes a whole series.
 *
 * A bucket of depth b that fills at rate r passes everything if, and only if, at most b + r · t
 * messages came in any interval of length t (the arrival curve of R. L. Cruz, A calculus for
 * network delay, 1991; J.-Y. Le Boudec, P. Thiran, Network Calculus, 2001, section 1.2). The time
 * of a message within its window is unknown, so the depth is for the worst case: the first window's
 * messages come at its end, the last one's at its start. No smaller depth is always enough.
 */
import { ms10 } from '@reto3/core';

/**
 * Tokens are counted in thousandths, so a whole rate gains whole numbers per ms, without rounding.
 */
const thousandths = 1_000;

export class BucketDepth {
  /** Tokens per second, which is thousandths of a token per ms. */
  readonly rate: number;
  /**
   * The largest excess, over all windows to start from, of the messages up to the end of the last
   * window over the tokens gained after the start; thousandths.
   */
  #excess = 0;
  #end = Number.NaN;
  #depth = 0;

  /** @param rate tokens per second, above 0; a whole number makes the depth exact */
  constructor(rate: number) {
    this.rate = rate;
  }

  /** Takes the next counted window, oldest first. A gap counts as empty. */
  add(start: number, count: number): void {
    // The bucket fills during a gap.
    if (start > this.#end) this.#excess -= (start - this.#end) * this.rate;
    this.#excess = Math.max(0, this.#excess);
    const came = count * thousandths;
    // The worst case: earlier messages as late as possible, and those of this window at its start.
    this.#depth = Math.max(this.#depth, this.#excess + came);
    // The worst interval starts earlier and has gained a window's tokens, or starts at this window.
    this.#excess = Math.max(0, this.#excess - ms10.windowMs * this.rate) + came;
    this.#end = start + ms10.windowMs;
  }

  /** The depth in tokens, a whole number of at least 1. */
  get depth(): number {
    return Math.max(1, Math.ceil(this.#depth / thousandths));
  }
}
