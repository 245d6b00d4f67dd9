/**
 * The coordinator's heartbeat. It sweeps every flush interval, and flushes if anything came; beside
 * that, once a second, it puts on the disk what was flushed. Where responses wait for the disk
 * (`--ack durable`) every flush is one that ends on the disk, and one comes at each beat in which
 * somebody waits.
 *
 * A slow disk delays nothing but itself: sweeps and, in memory mode, flushes go on at their pace,
 * so that `kill -9` takes one flush interval however long an fsync takes. After a failed write the
 * store is opened again, less and less eagerly, until a write succeeds; counting goes on in memory.
 */

import { type Ack, type Clock, type MonotonicMs, messageOf } from '@reto3/core';
import type { Coordinator } from './coordinator.ts';

/** What was flushed is fsynced this often: what a power cut may take in memory mode. */
const syncEveryMs = 1_000;

/**
 * Where no message came since the last flush, there is only to write that none came: this often.
 * What `kill -9` takes then is time, which becomes a gap, and no message.
 */
const idleFlushEveryMs = 1_000;

/** How long responses gather before one fsync answers them all (group commit). */
const commitEveryMs = 10;

/** The first and the longest pause before the store is opened again. */
const firstRetryMs = 100;
const lastRetryMs = 2_000;

/** So many reasons are told until the store has recovered: two may take turns, or name numbers. */
const mostReasons = 16;

export interface FlushEvents {
  /** Everything that workers added under that flush number or an earlier one is on the disk. */
  flushed(flush: number): void;
  /** A write failed, or the store could not be opened again; told once for each new reason. */
  failed(error: unknown): void;
  /** Everything is written again. */
  recovered(): void;
}

export class FlushLoop {
  readonly #coordinator: Coordinator;
  readonly #clock: Clock;
  readonly #flushMs: number;
  readonly #idleFlushMs: number;
  readonly #durable: boolean;
  readonly #events: FlushEvents;
  /** How often `beat` wants to be called, in milliseconds. */
  readonly beatMs: number;
  #timer: NodeJS.Timeout | undefined;
  #lastSweep: MonotonicMs;
  #lastFlush: MonotonicMs;
  #lastSync: MonotonicMs;
  #retry: { readonly at: number; readonly pauseMs: number } | undefined;
  /** Why it failed since all was well, as it was told. */
  readonly #told = new Set<string>();
  #writing: Promise<void> | undefined;
  #syncing: Promise<void> | undefined;

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
    this.#idleFlushMs = Math.max(options.flushMs, idleFlushEveryMs);
    this.#events = events;
    this.#durable = options.ack === 'durable';
    this.beatMs = this.#durable ? commitEveryMs : options.flushMs;
    this.#lastSweep = this.#lastFlush = this.#lastSync = clock.read().monotonicMs;
  }

  start(): void {
    this.#timer = setInterval(() => void this.beat(), this.beatMs);
  }

  /** Beats no more; resolves when what the last beats began has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([this.#writing, this.#syncing]);
  }

  /** Does what it is time for. Resolves when that is done; never rejects. */
  async beat(): Promise<void> {
    const now = this.#clock.read().monotonicMs;
    if (isDue(now, this.#lastSweep, this.#flushMs)) {
      this.#lastSweep = now;
      this.#coordinator.sweep();
    }
    if (this.#retry !== undefined) {
      // What was under way when something failed has to end first.
      const idle = this.#writing === undefined && this.#syncing === undefined;
      if (idle && now >= this.#retry.at) await this.#write(() => this.#recover());
      return;
    }
    const syncing = this.#syncing === undefined && now - this.#lastSync >= syncEveryMs;
    await Promise.all([
      this.#writing === undefined && this.#write(() => this.#flush(now)),
      syncing && this.#sync(now),
    ]);
  }

  async #write(write: () => Promise<void>): Promise<void> {
    this.#writing = write().catch((error: unknown) => this.#fail(error));
    await this.#writing;
    this.#writing = undefined;
  }

  async #sync(now: MonotonicMs): Promise<void> {
    this.#lastSync = now;
    const sync = async (): Promise<void> => {
      await this.#coordinator.sync();
      await this.#coordinator.dropAnchor();
    };
    this.#syncing = sync().catch((error: unknown) => this.#fail(error));
    await this.#syncing;
    this.#syncing = undefined;
  }

  async #flush(now: MonotonicMs): Promise<void> {
    const asked = this.#coordinator.takeAsked();
    const everyMs = this.#coordinator.hasNews ? this.#flushMs : this.#idleFlushMs;
    if (!asked && !isDue(now, this.#lastFlush, everyMs)) return;
    this.#lastFlush = now;
    if (this.#durable) await this.#commit();
    else await this.#coordinator.flushSwept();
  }

  async #commit(): Promise<void> {
    this.#events.flushed(await this.#coordinator.commit());
  }

  async #recover(): Promise<void> {
    await this.#coordinator.reopenStore();
    await this.#commit();
    // If it was the anchor that failed, it has not recovered until that can be written.
    await this.#coordinator.dropAnchor();
    this.#retry = undefined;
    this.#told.clear();
    this.#events.recovered();
  }

  #fail(error: unknown): void {
    const pauseMs = Math.min(lastRetryMs, (this.#retry?.pauseMs ?? firstRetryMs / 2) * 2);
    this.#retry = { at: this.#clock.read().monotonicMs + pauseMs, pauseMs };
    const reason = messageOf(error);
    if (this.#told.has(reason) || this.#told.size === mostReasons) return;
    this.#told.add(reason);
    this.#events.failed(error);
  }
}

/** Half a beat early is due: timers come a little late, never early, and must not skip a turn. */
function isDue(now: MonotonicMs, last: MonotonicMs, everyMs: number): boolean {
  return now - last >= everyMs - commitEveryMs / 2;
}
