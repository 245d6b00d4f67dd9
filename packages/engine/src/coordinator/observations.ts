/**
 * Measurements of the coordinator, for metrics only: the messages of windows when they become
 * final, how long that took, how long writes took, and gaps. Counts never depend on them.
 *
 * A message costs nothing here, a window one observation when it becomes final. Invariant, whatever
 * the clocks do: every swept message is in an observed window, in a pending one, or late.
 */
import { BucketHistogram, ms10, RecentPeak } from '@reto3/core';
import { aheadSlots } from '../ring/layout.ts';
import type { Tick } from '../ring/timeline.ts';

/**
 * Messages in 10 ms: 50 are 5,000 per second. With five bounds per decade, a quantile is off by two
 * thirds at most. The last bound is twice the measured rate of a core.
 */
const windowMessagesBounds = [
  0, 1, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100, 200, 300, 500, 700, 1_000, 2_000, 3_000, 5_000, 7_000,
  10_000, 20_000, 50_000,
];

/**
 * Milliseconds. Nothing is below 30, and arrivals are known to 10 ms, so steps below 5 would mean
 * nothing. The rest covers a flush interval, and overloaded machines.
 */
const freshnessBounds = [
  30, 35, 40, 45, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150, 200, 300, 500, 1_000, 2_000,
  5_000, 10_000,
];

/** Milliseconds: a write into the page cache takes less than 0.1, an fsync up to seconds. */
const writeBounds = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000,
];

/** Two scrapes that are a minute apart. */
const peakReachSeconds = 120;

export class Observations {
  /** The counts of the ms10 windows when they became final. */
  readonly windowMessages = new BucketHistogram(windowMessagesBounds);
  /** The largest of them in the last seconds. */
  readonly peak = new RecentPeak(peakReachSeconds);
  /**
   * Milliseconds from the start of a window to the sweep that found it final, once for each of its
   * messages: none took longer to become readable.
   */
  readonly freshness = new BucketHistogram(freshnessBounds);
  /** Milliseconds of writes into the page cache. */
  readonly flushes = new BucketHistogram(writeBounds);
  /** Milliseconds of writes to the disk. */
  readonly syncedFlushes = new BucketHistogram(writeBounds);
  /** Milliseconds of the fsync once a second. */
  readonly syncs = new BucketHistogram(writeBounds);
  #lateMessages = 0;
  #gaps = 0;
  #gapMs = 0;
  /** The messages found in windows that are not final yet, by number of the window. */
  readonly #pending = new Map<number, number>();
  /** The first window that is not final. */
  #finalEnd = 0;
  /** The first window after all that were counted, by any server on this folder. */
  #countedEnd: number;

  /** @param countedEnd end of the newest counted window, epoch ms; 0 if there is none */
  constructor(countedEnd: number) {
    this.#countedEnd = countedEnd / ms10.windowMs;
  }

  /** Messages in windows that were already final. */
  get lateMessages(): number {
    return this.#lateMessages;
  }

  /** Gaps, including the one before this start. */
  get gaps(): number {
    return this.#gaps;
  }

  /** Their total length. */
  get gapMs(): number {
    return this.#gapMs;
  }

  /** A sweep vouches for the windows of a tick. */
  counted(tick: Tick): void {
    for (const { from, to } of tick.counted) {
      if (this.#countedEnd > 0 && from > this.#countedEnd) {
        this.#gaps++;
        this.#gapMs += (from - this.#countedEnd) * ms10.windowMs;
      }
      this.#countedEnd = Math.max(this.#countedEnd, to);
      for (let window = Math.max(from, this.#finalEnd); window < to; window++)
        if (!this.#pending.has(window)) this.#pending.set(window, 0);
    }
  }

  /** A sweep found messages in a window. */
  found(window: number, count: number): void {
    if (window < this.#finalEnd) this.#lateMessages += count;
    else this.#pending.set(window, (this.#pending.get(window) ?? 0) + count);
  }

  /** A sweep is over: windows that end at or before `finalThrough` (epoch ms) are final. */
  settle(tick: Tick, finalThrough: number): void {
    const { now } = tick;
    this.#finalEnd = finalThrough / ms10.windowMs;
    for (const [window, count] of this.#pending) {
      // A window so far ahead is from before the clock stepped back.
      if (window >= this.#finalEnd && window < this.#finalEnd + aheadSlots) continue;
      this.#pending.delete(window);
      this.windowMessages.record(count);
      this.peak.record(now.monotonicMs, count);
      // The wall clock cannot measure across a step.
      if (tick.stepMs === 0) this.freshness.record(now.wallMs - window * ms10.windowMs, count);
    }
  }
}
