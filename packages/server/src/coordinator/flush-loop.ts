/**
 * The coordinator's heartbeat: sweeps and flushes every flush interval, with an fsync once a
 * second; where responses wait for the disk, with an fsync at every beat in which one waits.
 *
 * A slow disk delays only the next write: sweeps go on at their pace, so that the ring never goes
 * around unseen. After a failed write the store is opened again, less and less eagerly, until a
 * write succeeds; counting goes on in memory.
 */
import type { Clock, MonotonicMs } from '../clock.ts';
import type { Ack } from '../config.ts';
import type { Coordinator } from './coordinator.ts';

/**
 * The journal is fsynced this often: what a power cut may take, where `kill -9` takes one flush
 * interval at most.
 */
const syncEveryMs = 1_000;

/** How long responses gather before one fsync answers them all (group commit). */
const commitEveryMs = 10;

/** The first and the longest pause before the store is opened again. */
const firstRetryMs = 100;
const lastRetryMs = 2_000;

export interface FlushEvents {
  /** Everything that workers added under that flush number or an earlier one is on the disk. */
  flushed(flush: number): void;
  /** A write failed; told once, until the store has recovered. */
  failed(error: unknown): void;
  /** Everything is written again. */
  recovered(): void;
}

export class FlushLoop {
  readonly #coordinator: Coordinator;
  readonly #clock: Clock;
  readonly #flushMs: number;
  readonly #events: FlushEvents;
  /** How often `beat` wants to be called, in milliseconds. */
  readonly beatMs: number;
  #timer: NodeJS.Timeout | undefined;
  #lastFlush: MonotonicMs;
  #lastSync: MonotonicMs;
  #retry: { readonly at: number; readonly pauseMs: number } | undefined;
  #writing: Promise<void> | undefined;

  /** @param options `flushMs`: time between flushes, in milliseconds */
  constructor(
    coordinator: Coordinator,
    clock: Clock,
    options: { readonly flushMs: number; readonly ack: Ack },
    events: FlushEvents,
  ) {
    this.#coordinator = coordinator;
    this.#clock = clock;
    this.#flushMs = options.flushMs;
    this.#events = events;
    this.beatMs = options.ack === 'durable' ? commitEveryMs : options.flushMs;
    this.#lastFlush = this.#lastSync = clock.read().monotonicMs;
  }

  start(): void {
    this.#timer = setInterval(() => void this.beat(), this.beatMs);
  }

  /** Beats no more; resolves when what the last beat began has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
  }

  /** Sweeps; writes if it is time and no write is under way. Never rejects. */
  async beat(): Promise<void> {
    this.#coordinator.sweep();
    if (this.#writing !== undefined) return;
    this.#writing = this.#write();
    await this.#writing;
    this.#writing = undefined;
  }

  async #write(): Promise<void> {
    try {
      const now = this.#clock.read().monotonicMs;
      if (this.#retry === undefined) await this.#flush(now);
      else if (now >= this.#retry.at) await this.#recover();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #flush(now: MonotonicMs): Promise<void> {
    const asked = this.#coordinator.takeAsked();
    // Half a beat early is due: timers come a little late, never early, and must not skip a turn.
    const due = now - this.#lastFlush >= this.#flushMs - commitEveryMs / 2;
    if (!asked && !due) return;
    const sync = asked || now - this.#lastSync >= syncEveryMs;
    this.#lastFlush = now;
    if (sync) await this.#commit(now);
    else await this.#coordinator.flush();
  }

  async #commit(now: MonotonicMs): Promise<void> {
    this.#lastSync = now;
    this.#events.flushed(await this.#coordinator.commit());
    await this.#coordinator.dropAnchor();
  }

  async #recover(): Promise<void> {
    await this.#coordinator.reopenStore();
    await this.#commit(this.#clock.read().monotonicMs);
    this.#retry = undefined;
    this.#events.recovered();
  }

  #fail(error: unknown): void {
    const first = this.#retry === undefined;
    const pauseMs = Math.min(lastRetryMs, (this.#retry?.pauseMs ?? firstRetryMs / 2) * 2);
    this.#retry = { at: this.#clock.read().monotonicMs + pauseMs, pauseMs };
    if (first) this.#events.failed(error);
  }
}
