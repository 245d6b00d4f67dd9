/**
 * Counts messages into the minutes in memory: those that sweeps find in the ring, and those of
 * followed logs. Knows which windows are final, and so which counts are revised.
 *
 * Invariant: every message that a sweep finds goes to exactly one ms10 window, one second and one
 * minute.
 */
import { type Clock, type ClockReading, ms10, sec } from '@reto3/core';
import type { RingReader } from '../ring/ring.ts';
import { finalThroughAt, Timeline, windowAt } from '../ring/timeline.ts';
import type { Observations } from './observations.ts';
import type { OpenMinutes } from './open-minutes.ts';

export interface CountingEvents {
  /** The wall clock stepped by so many ms. */
  clockStepped(stepMs: number): void;
  /** A sweep came so late that the ring may have wrapped around. */
  stalled(): void;
}

interface CountingParts {
  readonly clock: Clock;
  readonly ring: RingReader;
  readonly workerCount: number;
  readonly minutes: OpenMinutes;
  readonly observations: Observations;
  readonly events: CountingEvents;
  /** How much later windows are final than without followed logs, in ms; 0 by default. */
  readonly lateMs?: number;
  /** End of the newest counts before this start, epoch ms; 0 in a new folder. */
  readonly newestEnd: number;
}

export class Counting {
  readonly #parts: CountingParts;
  /** undefined before `begin` and after `end`. */
  #timeline: Timeline | undefined;
  #startedAt: number;
  readonly #messagesByWorker: number[];
  #messages = 0;
  #finalThrough: number;
  #newestEnd: number;
  /** The highest `finalThrough` so far; higher than the present one after a step back. */
  #maxFinalThrough: number;
  /**
   * After a step back: windows before `#maxFinalThrough` that are not final now and that nobody had
   * counted before, by number. Their counts are not revised.
   */
  readonly #newlyCounted = new Set<number>();
  #clockSteps = 0;
  #stalls = 0;

  constructor(parts: CountingParts) {
    const { wallMs } = parts.clock.read();
    this.#parts = parts;
    this.#messagesByWorker = new Array<number>(parts.workerCount).fill(0);
    this.#startedAt = wallMs;
    this.#finalThrough = this.#finalAt(wallMs);
    this.#maxFinalThrough = Math.max(this.#finalThrough, parts.newestEnd);
    this.#newestEnd = parts.newestEnd;
  }

  /** Epoch ms. */
  get startedAt(): number {
    return this.#startedAt;
  }

  /** End of the newest final window at the last sweep, epoch ms. */
  get finalThrough(): number {
    return this.#finalThrough;
  }

  /** End of the newest counted window, final or not, epoch ms. */
  get newestEnd(): number {
    return this.#newestEnd;
  }

  /** Since the start. */
  get messages(): number {
    return this.#messages;
  }

  /** From the ring, since the start. */
  get messagesByWorker(): readonly number[] {
    return this.#messagesByWorker;
  }

  get clockSteps(): number {
    return this.#clockSteps;
  }

  get stalls(): number {
    return this.#stalls;
  }

  /** Vouches for every window from now on. */
  begin(): void {
    const now = this.#parts.clock.read();
    this.#timeline = new Timeline(now);
    this.#startedAt = now.wallMs;
  }

  /** Vouches for no window any more. */
  end(): void {
    this.#timeline = undefined;
  }

  /**
   * Takes all new messages from the ring, in a few tens of microseconds. Returns `finalThrough`,
   * epoch ms.
   * @param now read just before
   */
  sweep(now: ClockReading): number {
    if (this.#timeline === undefined) return this.#finalAt(now.wallMs);
    const tick = this.#timeline.advance(now);
    if (tick.stepMs !== 0) {
      this.#clockSteps++;
      this.#parts.events.clockStepped(tick.stepMs);
    }
    if (tick.stalled) {
      this.#stalls++;
      this.#parts.events.stalled();
    }
    this.#parts.observations.counted(tick);
    const finalBefore = Math.min(this.#finalThrough, this.#finalAt(now.wallMs));
    for (const window of this.#newlyCounted)
      if ((window + 1) * ms10.windowMs <= finalBefore) this.#newlyCounted.delete(window);
    const { minutes, observations } = this.#parts;
    this.#parts.ring.sweep((slot, count, worker) => {
      const window = tick.windowOf(slot);
      minutes.add(window, count, this.#revises(window, finalBefore));
      observations.found(window, count);
      this.#newestEnd = Math.max(this.#newestEnd, (window + 1) * ms10.windowMs);
      this.#messages += count;
      this.#messagesByWorker[worker] = (this.#messagesByWorker[worker] ?? 0) + count;
    });
    for (const range of tick.counted) {
      // After a step back: remembers which of these windows nobody had counted.
      if (range.to * ms10.windowMs <= this.#maxFinalThrough)
        for (let window = range.from; window < range.to; window++)
          this.#revises(window, finalBefore);
      this.#parts.minutes.markCounted(range);
      this.#newestEnd = Math.max(this.#newestEnd, range.to * ms10.windowMs);
    }
    this.#finalThrough = this.#finalAt(now.wallMs);
    this.#maxFinalThrough = Math.max(this.#maxFinalThrough, this.#finalThrough);
    this.#parts.observations.settle(tick, this.#finalThrough);
    return this.#finalThrough;
  }

  /**
   * Whether a message changes a count that a reader may have seen as final: its window is final, or
   * was final before the clock stepped back, and had been counted.
   */
  #revises(window: number, finalThrough: number): boolean {
    const end = (window + 1) * ms10.windowMs;
    if (end <= finalThrough) return true;
    if (end > this.#maxFinalThrough || this.#newlyCounted.has(window)) return false;
    if (this.#parts.minutes.isCounted(window)) return true;
    this.#newlyCounted.add(window);
    return false;
  }

  /**
   * Counts messages of a followed log at `timeMs`, epoch ms. The next record contains them, with
   * the position that the log's participant returns from `rows`.
   * @param secondsOnly whether the log's clock ticks in seconds
   */
  add(timeMs: number, count: number, secondsOnly: boolean): void {
    const finalBefore = Math.min(
      this.#finalThrough,
      this.#finalAt(this.#parts.clock.read().wallMs),
    );
    const window = windowAt(timeMs);
    const revises = this.#revises(window, finalBefore);
    if (secondsOnly)
      this.#parts.minutes.addToSecond(Math.floor(timeMs / sec.windowMs), count, revises);
    else this.#parts.minutes.add(window, count, revises);
    this.#newestEnd = Math.max(this.#newestEnd, (window + 1) * ms10.windowMs);
    this.#messages += count;
  }

  /** End of the newest final window at a wall time; both epoch ms. */
  #finalAt(wallMs: number): number {
    return finalThroughAt(wallMs - (this.#parts.lateMs ?? 0));
  }
}
