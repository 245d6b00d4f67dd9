/** Runs steps one at a time while work is due; pauses after a failure, each time longer. */
import type { Clock } from '@reto3/core';
import { Backoff } from './problems.ts';

/** NATS elects a leader in seconds; a longer pause would only delay the messages after that. */
const [retryAfterMs, mostRetryAfterMs] = [500, 4_000];

export class Pump {
  readonly #clock: Clock;
  readonly #isDue: () => boolean;
  readonly #step: () => Promise<boolean>;
  readonly #backoff = new Backoff(retryAfterMs, mostRetryAfterMs);
  #working: Promise<void> | undefined;
  /** The end of the pause after a failure, monotonic ms. */
  #retryAt = Number.NEGATIVE_INFINITY;
  #stopped = false;

  /** @param step returns whether it succeeded; never throws */
  constructor(clock: Clock, isDue: () => boolean, step: () => Promise<boolean>) {
    this.#clock = clock;
    this.#isDue = isDue;
    this.#step = step;
  }

  /** Call it whenever work may be due, also after a failure: nothing else starts another attempt. */
  work(): void {
    if (this.#working !== undefined || this.#stopped || !this.#isDue()) return;
    this.#working = this.#run().finally(() => {
      this.#working = undefined;
    });
  }

  /** Ends the pause after a failure, since the next step will probably succeed. */
  retry(): void {
    this.#backoff.reset();
    this.#retryAt = Number.NEGATIVE_INFINITY;
    this.work();
  }

  /** Starts no further step; resolves when the current one has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#working;
  }

  async #run(): Promise<void> {
    while (!this.#stopped && this.#isDue()) {
      const { monotonicMs } = this.#clock.read();
      if (monotonicMs < this.#retryAt) return;
      if (await this.#step()) this.#backoff.reset();
      else this.#retryAt = monotonicMs + this.#backoff.next();
    }
  }
}
