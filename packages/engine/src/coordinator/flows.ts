/**
 * What the flusher has under way: one flow of each kind at a time. A failure overtakes all that began
 * before it, because nobody knows what became of what they wrote: they end at their next step.
 */

/** A flow that a failure has overtaken ends with this. The failure was told already. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

export type Flow = 'record' | 'sync' | 'checkpoint' | 'change';

export class Flows {
  readonly #running = new Map<Flow, Promise<unknown>>();
  #epoch = 0;

  /** Raised by every failure; a flow keeps the one that it began in. */
  get epoch(): number {
    return this.#epoch;
  }

  get none(): boolean {
    return this.#running.size === 0;
  }

  has(flow: Flow): boolean {
    return this.#running.has(flow);
  }

  /** Ends what is under way at its next step. */
  overtake(): void {
    this.#epoch++;
  }

  /** @throws Overtaken */
  assertCurrent(epoch: number): void {
    if (epoch !== this.#epoch) throw new Overtaken('a write before this one failed');
  }

  /** Does the work once the flow of that kind that is under way has ended. @throws Overtaken */
  async alone<T>(flow: Flow, epoch: number, work: () => Promise<T>): Promise<T> {
    while (this.#running.has(flow)) await this.ended(flow);
    this.assertCurrent(epoch);
    const running = work();
    this.#running.set(flow, running);
    try {
      return await running;
    } finally {
      this.#running.delete(flow);
    }
  }

  /** Resolves when the flow of that kind that is under way has ended, if there is one. */
  async ended(flow: Flow): Promise<void> {
    await this.#running.get(flow)?.catch(() => undefined);
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running.values());
  }
}
