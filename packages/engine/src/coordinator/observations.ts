/**
 * What the coordinator notices in passing: how large windows are when they become final, how long
 * that took, how long writes take, and when nobody counted. For metrics; counts never depend on it.
 *
 * A sweep tells what it found, so a message costs nothing here: a window costs one record when it
 * becomes final. Invariant, whatever the clocks do: every message that was swept is in a window
 * that was observed, in one that waits to be final, or among the late ones.
 */
import { BucketHistogram, ms10, RecentPeak } from '@reto3/core';
import { aheadSlots } from '../ring/layout.ts';
import type { Tick } from '../ring/timeline.ts';

/**
 * Messages in 10 ms: 50 are 5,000 a second. Five bounds a decade, so that a quantile from them is
 * off by two thirds at most, up to twice of what a core was seen to take.
 */
const windowMessagesBounds = [
  0, 1, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100, 200, 300, 500, 700, 1_000, 2_000, 3_000, 5_000, 7_000,
  10_000, 20_000, 50_000,
];

/**
 * Milliseconds. Nothing can be below 30, and an arrival is known to 10 ms, so finer steps than 5
 * would say nothing; then a round of the flush interval, and what an overloaded machine does.
 */
const freshnessBounds = [
  30, 35, 40, 45, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150, 200, 300, 500, 1_000, 2_000,
  5_000, 10_000,
];

/** Milliseconds: a batch into LevelDB takes tenths of one, an fsync up to seconds. */
const writeBounds = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000,
];

/** As far back as `RecentPeak` is asked: two scrapes a minute apart. */
const peakReachSeconds = 120;

export class Observations {
  /** The counts of the ms10 windows at the moment when they became final. */
  readonly windowMessages = new BucketHistogram(windowMessagesBounds);
  /** The largest of them in the last seconds. */
  readonly peak = new RecentPeak(peakReachSeconds);
  /**
   * Milliseconds from the start of a window to the sweep that found it final, once for each of its
   * messages: none of them waited for longer.
   */
  readonly freshness = new BucketHistogram(freshnessBounds);
  /** Milliseconds that writes took, of those that wait for the disk and of those that do not. */
  readonly flushes = new BucketHistogram(writeBounds);
  readonly syncedFlushes = new BucketHistogram(writeBounds);
  /** Milliseconds that an fsync beside the writes took. */
  readonly syncs = new BucketHistogram(writeBounds);
  #lateMessages = 0;
  #gaps = 0;
  #gapMs = 0;
  /** What was found in the windows that are not final yet; by the number of the window. */
  readonly #pending = new Map<number, number>();
  /** The first window that is not final. */
  #finalEnd = 0;
  /** The end of what was counted, by any server on this folder. */
  #countedEnd: number;

  /** @param countedEnd end of the newest counted window, epoch ms; 0 where there is none */
  constructor(countedEnd: number) {
    this.#countedEnd = countedEnd / ms10.windowMs;
  }

  /** Messages that came to a window after it was final. */
  get lateMessages(): number {
    return this.#lateMessages;
  }

  /** Times that nobody was counting, the one before this start among them. */
  get gaps(): number {
    return this.#gaps;
  }

  /** How long they were together. */
  get gapMs(): number {
    return this.#gapMs;
  }

  /** A sweep vouches for these windows. */
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

  /** A sweep found that many messages in that window. */
  found(window: number, count: number): void {
    if (window < this.#finalEnd) this.#lateMessages += count;
    else this.#pending.set(window, (this.#pending.get(window) ?? 0) + count);
  }

  /** A sweep has found everything: windows that end at or before `finalThrough` are final. */
  settle(tick: Tick, finalThrough: number): void {
    const { now } = tick;
    this.#finalEnd = finalThrough / ms10.windowMs;
    for (const [window, count] of this.#pending) {
      // One that is so far ahead was left behind by a clock that stepped back.
      if (window >= this.#finalEnd && window < this.#finalEnd + aheadSlots) continue;
      this.#pending.delete(window);
      this.windowMessages.record(count);
      this.peak.record(now.monotonicMs, count);
      // Across a step the wall clock does not say how long anything took.
      if (tick.stepMs === 0) this.freshness.record(now.wallMs - window * ms10.windowMs, count);
    }
  }
}
