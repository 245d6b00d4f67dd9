/**
 * Retention: deletes blocks that are older than their period is kept.
 *
 * The danger is the clock. Deleting is the one thing that cannot be taken back, and the only reason
 * for it is what the wall clock says. A clock that jumps ahead by a year would take everything. So:
 * - nothing is deleted within an hour after the wall clock stepped: most wrong steps are set right
 *   by then, and the log and the metrics have told of it;
 * - a clock that is, or has stepped, more than a day ahead of what was counted is doubted: it may be
 *   right (the server was off for a month) or wrong, and nobody here can tell. Then a run deletes
 *   one day of a period at most, so that there is a day and more to notice a wrong clock;
 * - blocks go only as a whole, the shorter periods first: what holds ms10 and sec to account (the
 *   min blocks, see store/verified.ts) is never gone before them.
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

/** How long each period is kept, in milliseconds; Infinity: for ever. */
export type Retain = Readonly<Record<PeriodName, number>>;

/** Up to where a period is deleted, and where its oldest block starts, epoch ms. */
export interface Expired {
  readonly before: number;
  /** undefined: it has no blocks. */
  readonly oldest: number | undefined;
}

/** What retention needs of the coordinator. */
export interface Expiring {
  state(): { readonly clockSteps: number };
  /** End of what was counted before this server started, epoch ms; 0 in a new folder. */
  readonly endBefore: number;
  expired(period: PeriodName): Promise<Expired>;
  /** Deletes the blocks of a period that start before a time, epoch ms. */
  deleteBefore(period: PeriodName, beforeMs: number): Promise<void>;
}

export interface RetentionEvents {
  deleted(period: PeriodName, beforeMs: number): void;
  /** It is tried again at the next run. */
  failed(error: unknown): void;
}

const secondMs = 1_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Late enough not to slow the start, early enough to free a full disk soon. */
const firstRunAfterMs = 5 * secondMs;
const runEveryMs = hourMs;
const quietAfterStepMs = hourMs;
/** How far the clock may be ahead of what was counted, and what a doubted clock may delete a run. */
const doubtfulMs = dayMs;
const mostWhereDoubtfulMs = dayMs;
/** How often `beat` wants to be called: a step must not stay unseen for long. */
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
  /** What wall time minus monotonic time was when the clock was last known to be right. */
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

  /** Resolves when a run that is under way is over. */
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
        if (doubtful) due = Math.min(due, Math.max(before, oldest ?? 0) + mostWhereDoubtfulMs);
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
