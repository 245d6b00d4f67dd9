/**
 * The stop of a server. Each part registers a step when it starts; the steps run in the order of the
 * stages below, whatever the order of the start. A failed start is undone in the same way.
 */

const stages = [
  'renewals',
  // Not ready, and no new connections.
  'readiness',
  'listening',
  'silentConnections',
  'follow',
  // Starts to send waiting messages, which takes up to a second; `alertsSent` awaits it.
  'alerts',
  'flusher',
  'waitingAnswers',
  'workers',
  'portClaim',
  'retention',
  'reports',
  // The last sweep and synced write.
  'coordinator',
  'archive',
  // Publishes the coordinator's last write.
  'cluster',
  // Sends the final counts.
  'otlp',
  'alertsSent',
  'queryApi',
  'store',
] as const;

export type StopStage = (typeof stages)[number];

export class Shutdown {
  readonly #steps = new Map<StopStage, () => unknown>();
  #running: Promise<void> | undefined;

  /** Whether the stop has begun. */
  get begun(): boolean {
    return this.#running !== undefined;
  }

  /** Registers the step of a stage. */
  add(stage: StopStage, step: () => unknown): void {
    this.#steps.set(stage, step);
  }

  /**
   * Runs all steps in order, even if some fail. Runs only once, however often it is called.
   * @throws the first error
   */
  run(): Promise<void> {
    this.#running ??= this.#runAll();
    return this.#running;
  }

  async #runAll(): Promise<void> {
    const failed: unknown[] = [];
    for (const stage of stages) {
      try {
        await this.#steps.get(stage)?.();
      } catch (error) {
        failed.push(error);
      }
    }
    if (failed.length > 0) throw failed[0];
  }
}
