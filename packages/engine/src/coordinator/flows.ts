/**
 * The flows of the flusher: one of each kind at a time. A failure starts a new epoch and thereby
 * overtakes all flows of the old one: the result of their writes is unknown, so they end at their
 * next step.
 */

/** Ends an overtaken flow. The failure that overtook it is reported already. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

export type Flow = 'record' | 'sync' | 'checkpoint' | 'change';

export class Flows {
  readonly #running = new Map<Flow, Promise<unknown>>();
  #epoch = 0;

  /** Each flow keeps the epoch that it began in. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Whether no flow is running. */
  get none(): boolean {
    return this.#running.size === 0;
  }

  has(flow: Flow): boolean {
    return this.#running.has(flow);
  }

  /** Starts a new epoch: running flows end at their next step. */
  overtake(): void {
    this.#epoch++;
  }

  /** @throws Overtaken */
  assertCurrent(epoch: number): void {
    if (epoch !== this.#epoch) throw new Overtaken('a write before this one failed');
  }

  /**
   * Runs `work` once a running flow of that kind has ended. If it fails, it overtakes all flows at
   * once: the next one of its kind must not begin on what memory counts as written.
   * @throws Overtaken; the error of `work`
   */
  async alone<T>(flow: Flow, epoch: number, work: () => Promise<T>): Promise<T> {
    while (this.#running.has(flow)) await this.ended(flow);
    this.assertCurrent(epoch);
    const running = work();
    this.#running.set(flow, running);
    try {
      return await running;
    } catch (error) {
      if (!(error instanceof Overtaken)) this.overtake();
      throw error;
    } finally {
      this.#running.delete(flow);
    }
  }

  /** Resolves when no flow of that kind is running, or the running one has ended. */
  async ended(flow: Flow): Promise<void> {
    await this.#running.get(flow)?.catch(() => undefined);
  }

  /** Resolves when no flow is running. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running.values());
  }
}
