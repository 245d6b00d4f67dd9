/** Counts the archived messages of one hour by window, in a reusable column. */
import type { Period } from '@reto3/core';
import { hourMs } from './layout.ts';

export class HourCounts {
  readonly #windowMs: number;
  /** Indexed by window of the hour. */
  readonly counts: Float64Array;

  constructor({ windowMs }: Period) {
    this.#windowMs = windowMs;
    this.counts = new Float64Array(hourMs / windowMs);
  }

  /**
   * @param hour start of the hour, epoch ms; must not change until `clear`
   * @param arrivedMs epoch ms; arrivals in other hours are ignored
   */
  add(hour: number, arrivedMs: Float64Array): void {
    const [counts, windowMs] = [this.counts, this.#windowMs];
    for (let row = 0; row < arrivedMs.length; row++) {
      const window = Math.floor(((arrivedMs[row] ?? 0) - hour) / windowMs);
      counts[window] = (counts[window] ?? 0) + 1;
    }
  }

  clear(): void {
    this.counts.fill(0);
  }
}
