/**
 * Retention: deletes blocks that are older than their period is kept.
 *
 * Deleting cannot be undone, and depends on the wall clock alone: a clock that jumps a year ahead
 * would delete everything. So:
 * - nothing is deleted within an hour after the wall clock stepped: most wrong steps are corrected
 *   by then, and the log and the metrics report them;
 * - a clock that is, or has stepped, more than a day ahead of the newest counts is in doubt: it may
 *   be right (the server was off for a month) or wrong. Then each run deletes at most a day of a
 *   period, which leaves a day and more to notice a wrong clock;
 * - only whole blocks are deleted, the shorter periods first: `min` blocks verify `ms10` and `sec`
 *   (store/verified.ts), so they are deleted last.
 */
import {
  alignDown,
  type Clock,
  type MonotonicMs,
  type PeriodName,
  periodNames,
  periods,
  type WallMs,
} from '@reto3/core';

/** How long each period is kept, ms; Infinity: for ever. */
export type Retain = Readonly<Record<PeriodName, number>>;

export interface Expired {
  /** End of the time that is deleted, epoch ms. */
  readonly before: number;
  /** Start of the oldest block, epoch ms; undefined if there is none. */
  readonly oldest: number | undefined;
}

/** The part of the coordinator that retention needs. */
export interface Expiring {
  state(): { readonly clockSteps: number };
  /** End of the newest counts before this server started, epoch ms; 0 in a new folder. */
  readonly endBefore: number;
  expired(period: PeriodName): Promise<Expired>;
  /** Deletes the blocks of a period that start before a time, epoch ms. */
  deleteBefore(period: PeriodName, beforeMs: number): Promise<void>;
}

export interface RetentionEvents {
  deleted(period: PeriodName, beforeMs: number): void;
  /** The next run tries again. */
  failed(error: unknown): void;
}

const secondMs = 1_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Late enough not to slow down the start, early enough to free a full disk soon. */
const firstRunAfterMs = 5 * secondMs;
const runEveryMs = hourMs;
const quietAfterStepMs = hourMs;
/** How far ahead of the newest counts the clock is in doubt, and how much a run deletes then. */
const doubtfulMs = dayMs;
const maxDoubtfulDeleteMs = dayMs;
/** Often enough to notice a step of the clock soon. */
const beatMs = secondMs;

export class Retention {
  readonly #coordinator: Expiring;
  readonly #clock: Clock;
  readonly #retain: Retain;
  readonly #events: RetentionEvents;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #nextRun: number;
  #clockSteps: number;
  #steppedAt: MonotonicMs | undefined;
  /** Wall time minus monotonic time at the start. */
  readonly #offsetMs: number;
  readonly #doubtfulAtStart: boolean;

  constructor(coordinator: Expiring, clock: Clock, retain: Retain, events: RetentionEvents) {
    const now = clock.read();
    this.#coordinator = coordinator;
    this.#clock = clock;
    this.#retain = retain;
    this.#events = events;
    this.#nextRun = now.monotonicMs + firstRunAfterMs;
    this.#clockSteps = coordinator.state().clockSteps;
    this.#offsetMs = now.wallMs - now.monotonicMs;
    const { endBefore } = coordinator;
    this.#doubtfulAtStart = endBefore > 0 && now.wallMs - endBefore > doubtfulMs;
  }

  start(): void {
    this.#timer = setInterval(() => void this.beat(), beatMs);
    this.#timer.unref();
  }

  /** Resolves once no run is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Runs if it is time. Never throws. */
  async beat(): Promise<void> {
    const now = this.#clock.read();
    const { clockSteps } = this.#coordinator.state();
    if (clockSteps !== this.#clockSteps) {
      this.#clockSteps = clockSteps;
      this.#steppedAt = now.monotonicMs;
    }
    if (this.#running !== undefined || now.monotonicMs < this.#nextRun) return;
    if (this.#steppedAt !== undefined && now.monotonicMs - this.#steppedAt < quietAfterStepMs)
      return;
    this.#nextRun = now.monotonicMs + runEveryMs;
    const doubtful =
      this.#doubtfulAtStart || now.wallMs - now.monotonicMs - this.#offsetMs > doubtfulMs;
    this.#running = this.#run(now.wallMs, doubtful);
    await this.#running;
    this.#running = undefined;
  }

  async #run(nowMs: WallMs, doubtful: boolean): Promise<void> {
    // A longer period is never deleted further than a shorter one.
    let limit = Number.POSITIVE_INFINITY;
    try {
      for (const name of periodNames) {
        const { before, oldest } = await this.#coordinator.expired(name);
        let due = Math.min(limit, nowMs - this.#retain[name]);
        if (doubtful) due = Math.min(due, Math.max(before, oldest ?? 0) + maxDoubtfulDeleteMs);
        due = Math.max(before, alignDown(due, periods[name].blockMs));
        if (due > before && Number.isFinite(due)) {
          await this.#coordinator.deleteBefore(name, due);
          if (oldest !== undefined && oldest < due) this.#events.deleted(name, due);
        }
        limit = due;
      }
    } catch (error) {
      this.#events.failed(error);
    }
  }
}
