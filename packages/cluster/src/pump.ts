/** Steps of a work one at a time, for as long as some are due; after one that failed there is a pause. */
import type { Clock } from '@reto3/core';

const retryAfterMs = 500;

export class Pump {
  readonly #clock: Clock;
  readonly #isDue: () => boolean;
  readonly #step: () => Promise<boolean>;
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

  /** Begins no step any more; resolves when the one under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#working;
  }

  async #run(): Promise<void> {
    while (!this.#stopped && this.#isDue()) {
      const { monotonicMs } = this.#clock.read();
      if (monotonicMs < this.#retryAt) return;
      if (!(await this.#step())) this.#retryAt = monotonicMs + retryAfterMs;
    }
  }
}
