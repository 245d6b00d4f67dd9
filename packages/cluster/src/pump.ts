/** Runs steps one at a time while work is due; pauses after a failure, longer after each next one. */
import type { Clock } from '@reto3/core';
import { Backoff } from './problems.ts';

/** NATS elects a leader in seconds; a longer pause would only delay what comes after. */
const [retryAfterMs, mostRetryAfterMs] = [500, 4_000];

export class Pump {
  readonly #clock: Clock;
  readonly #isDue: () => boolean;
  readonly #step: () => Promise<boolean>;
  readonly #backoff = new Backoff(retryAfterMs, mostRetryAfterMs);
  #working: Promise<void> | undefined;
  /** Not before that is tried again what failed; monotonic ms. */
  #retryAt = Number.NEGATIVE_INFINITY;
  #stopped = false;

  /** @param step returns whether it succeeded; never throws */
  constructor(clock: Clock, isDue: () => boolean, step: () => Promise<boolean>) {
    this.#clock = clock;
    this.#isDue = isDue;
    this.#step = step;
  }

  /** To be called whenever something may be due; also after a failure, or nobody tries again. */
  work(): void {
    if (this.#working !== undefined || this.#stopped || !this.#isDue()) return;
    this.#working = this.#run().finally(() => {
      this.#working = undefined;
    });
  }

  /** There is a reason to think that the next step succeeds: it need not wait. */
  retry(): void {
    this.#backoff.reset();
    this.#retryAt = Number.NEGATIVE_INFINITY;
    this.work();
  }

  /** Begins no step any more; resolves when the one under way has ended. */
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
