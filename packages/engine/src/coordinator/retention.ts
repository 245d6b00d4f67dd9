/**
 * Retention: deletes blocks that are older than their period is kept, as far as the wall clock is
 * to be trusted (`ClockDoubt`). Only whole blocks are deleted, the shorter periods first: `min`
 * blocks verify `ms10` and `sec` (store/verified.ts), so they are deleted last.
 */
import {
  alignDown,
  type Clock,
  ClockDoubt,
  deleteEveryMs,
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

/** Late enough not to slow down the start, early enough to free a full disk soon. */
const firstRunAfterMs = 5_000;
/** Often enough to notice a step of the clock soon. */
const beatMs = 1_000;

export class Retention {
  readonly #coordinator: Expiring;
  readonly #clock: Clock;
  readonly #retain: Retain;
  readonly #events: RetentionEvents;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #nextRun: number;
  readonly #doubt: ClockDoubt;

  constructor(coordinator: Expiring, clock: Clock, retain: Retain, events: RetentionEvents) {
    const now = clock.read();
    this.#coordinator = coordinator;
    this.#clock = clock;
    this.#retain = retain;
    this.#events = events;
    this.#nextRun = now.monotonicMs + firstRunAfterMs;
    this.#doubt = new ClockDoubt(now, coordinator.endBefore);
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
    const deletableMs = this.#doubt.deletableMs(now);
    if (this.#running !== undefined || now.monotonicMs < this.#nextRun || deletableMs === 0) return;
    this.#nextRun = now.monotonicMs + deleteEveryMs;
    this.#running = this.#run(now.wallMs, deletableMs);
    await this.#running;
    this.#running = undefined;
  }

  async #run(nowMs: WallMs, deletableMs: number): Promise<void> {
    // A longer period is never deleted further than a shorter one.
    let limit = Number.POSITIVE_INFINITY;
    try {
      for (const name of periodNames) {
        const { before, oldest } = await this.#coordinator.expired(name);
        const allowed = Math.max(before, oldest ?? 0) + deletableMs;
        const old = Math.min(limit, allowed, nowMs - this.#retain[name]);
        const due = Math.max(before, alignDown(old, periods[name].blockMs));
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
