/** The 10 ms windows of the last minute, in fixed memory. */
import { performance } from 'node:perf_hooks';
import { ms10 } from '@reto3/core';

/** How far back it reaches, in milliseconds. */
export const reachMs = 60_000;
/**
 * Events come every few 10 ms, and the state of the server every second; without one for this long,
 * the last rate is stale.
 */
export const staleMs = 2_000;
const slots = reachMs / ms10.windowMs;

export interface CountedWindow {
  /** Epoch ms. */
  readonly start: number;
  readonly count: number;
}

export class RecentWindows {
  readonly #starts = new Float64Array(slots).fill(Number.NaN);
  readonly #counts = new Float64Array(slots);
  #end = 0;
  #takenMs = 0;

  /** End of the newest final window, epoch ms; 0 before the first event. */
  get end(): number {
    return this.#end;
  }

  /** Takes new counted windows; `end` is the end of the newest final window. */
  take(windows: Iterable<readonly [start: number, count: number]>, end: number): void {
    for (const [start, count] of windows) {
      const slot = slotOf(start);
      this.#starts[slot] = start;
      this.#counts[slot] = count;
    }
    this.#end = end;
    this.#takenMs = performance.now();
  }

  /** The windows that start in [from, to), oldest first, without gaps. */
  *between(from: number, to: number): Generator<CountedWindow> {
    for (let start = Math.max(from, this.#end - reachMs); start < to; start += ms10.windowMs) {
      const slot = slotOf(start);
      if (this.#starts[slot] === start) yield { start, count: this.#counts[slot] ?? 0 };
    }
  }

  /** All windows, oldest first. */
  all(): Generator<CountedWindow> {
    return this.between(this.#end - reachMs, this.#end);
  }

  /** Up to `max` windows with messages, largest first; of equal ones, the newest. */
  peaks(max: number): CountedWindow[] {
    return [...this.all()]
      .sort((a, b) => b.count - a.count || b.start - a.start)
      .slice(0, max)
      .filter(({ count }) => count > 0);
  }

  /**
   * Messages per second over the newest `overMs`; undefined if nothing was counted in that time, or
   * if no event came for 2 s.
   * @param nowMs of the monotonic clock
   */
  rate(overMs: number, nowMs = performance.now()): number | undefined {
    if (nowMs - this.#takenMs > staleMs) return undefined;
    let messages = 0;
    let windows = 0;
    for (const { count } of this.between(this.#end - overMs, this.#end)) {
      messages += count;
      windows++;
    }
    return windows === 0 ? undefined : (messages / (windows * ms10.windowMs)) * 1_000;
  }
}

function slotOf(start: number): number {
  return Math.floor(start / ms10.windowMs) % slots;
}
