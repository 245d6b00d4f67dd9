/**
 * The coordinator's heartbeat: sweeps and flushes every flush interval, with an fsync once a
 * second.
 *
 * A slow disk delays only the next write: sweeps go on at their pace, so that the ring never goes
 * around unseen.
 */
import type { Coordinator } from './coordinator.ts';

/**
 * The journal is fsynced this often: what a power cut may take, where `kill -9` takes one flush
 * interval at most.
 */
const syncEveryMs = 1_000;

export class FlushLoop {
  readonly #coordinator: Coordinator;
  readonly #onFailure: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  #lastSyncMs = performance.now();

  /** @param flushMs time between flushes, in milliseconds */
  constructor(coordinator: Coordinator, flushMs: number, onFailure: (error: unknown) => void) {
    this.#coordinator = coordinator;
    this.#onFailure = onFailure;
    this.#timer = setInterval(() => void this.#beat(), flushMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #beat(): Promise<void> {
    try {
      this.#coordinator.sweep();
      if (this.#coordinator.flushing) return;
      const nowMs = performance.now();
      const sync = nowMs - this.#lastSyncMs >= syncEveryMs;
      if (sync) this.#lastSyncMs = nowMs;
      await this.#coordinator.flush({ sync });
    } catch (error) {
      this.#onFailure(error);
    }
  }
}
