/**
 * The time that a log covers: from its first message to its last, without silences of more than a
 * day. Those are gaps, as in a file joined from extracts of several months: nobody knows what came
 * in between.
 */
import { alignDown } from '@reto3/core';

/** Half-open, epoch ms. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export const maxSilenceMs = 24 * 3_600_000;
const hourMs = 3_600_000;

interface Hour {
  first: number;
  last: number;
}

export class ActiveTime {
  /** The first and last message of each hour that has any. */
  readonly #hours = new Map<number, Hour>();
  #hour: Hour = { first: 0, last: 0 };
  #start = Number.NaN;

  /** @param timeMs epoch ms */
  add(timeMs: number): void {
    const within = timeMs - this.#start;
    if (!(within >= 0 && within < hourMs)) {
      this.#start = alignDown(timeMs, hourMs);
      const known = this.#hours.get(this.#start);
      this.#hour = known ?? { first: timeMs, last: timeMs };
      if (known === undefined) this.#hours.set(this.#start, this.#hour);
    }
    const hour = this.#hour;
    if (timeMs < hour.first) hour.first = timeMs;
    if (timeMs > hour.last) hour.last = timeMs;
  }

  /** The covered time in windows of that length, oldest first. */
  spans(windowMs: number): Span[] {
    const spans: Span[] = [];
    const hours = [...this.#hours.values()].sort((a, b) => a.first - b.first);
    for (const { first, last } of hours) {
      const to = alignDown(last, windowMs) + windowMs;
      const before = spans.at(-1);
      if (before !== undefined && first - before.to <= maxSilenceMs)
        spans[spans.length - 1] = { from: before.from, to };
      else spans.push({ from: alignDown(first, windowMs), to });
    }
    return spans;
  }
}
