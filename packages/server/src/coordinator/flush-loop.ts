/**
 * The coordinator's heartbeat: sweeps and flushes every flush interval, with an fsync once a
 * second; where responses wait for the disk, with an fsync at every beat in which one waits.
 *
 * A slow disk delays only the next write: sweeps go on at their pace, so that the ring never goes
 * around unseen.
 */
import type { Ack } from '../config.ts';
import type { Coordinator } from './coordinator.ts';

/**
 * The journal is fsynced this often: what a power cut may take, where `kill -9` takes one flush
 * interval at most.
 */
const syncEveryMs = 1_000;

/** How long responses gather before one fsync answers them all (group commit). */
const commitEveryMs = 10;

export interface FlushEvents {
  /** Everything that workers added under that flush number or an earlier one is on the disk. */
  flushed(flush: number): void;
  /** The write failed; the next beat tries again. */
  failed(error: unknown): void;
}

export class FlushLoop {
  readonly #coordinator: Coordinator;
  readonly #flushMs: number;
  readonly #events: FlushEvents;
  readonly #timer: NodeJS.Timeout;
  #lastFlushMs = performance.now();
  #lastSyncMs = performance.now();

  /** @param flushMs time between flushes, in milliseconds */
  constructor(
    coordinator: Coordinator,
    options: { readonly flushMs: number; readonly ack: Ack },
    events: FlushEvents,
  ) {
    this.#coordinator = coordinator;
    this.#flushMs = options.flushMs;
    this.#events = events;
    const beatMs = options.ack === 'durable' ? commitEveryMs : options.flushMs;
    this.#timer = setInterval(() => void this.#beat(), beatMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #beat(): Promise<void> {
    try {
      this.#coordinator.sweep();
      if (this.#coordinator.flushing) return;
      const nowMs = performance.now();
      const asked = this.#coordinator.takeAsked();
      // Half a beat early is due: timers come a little late, never early, and must not skip a turn.
      const due = nowMs - this.#lastFlushMs >= this.#flushMs - commitEveryMs / 2;
      if (!asked && !due) return;
      const sync = asked || nowMs - this.#lastSyncMs >= syncEveryMs;
      this.#lastFlushMs = nowMs;
      if (sync) this.#lastSyncMs = nowMs;
      if (sync) this.#events.flushed(await this.#coordinator.commit());
      else await this.#coordinator.flush();
    } catch (error) {
      this.#events.failed(error);
    }
  }
}
