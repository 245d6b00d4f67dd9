/**
 * Stops a server in order. Each part registers a step when it starts. The steps run by the stages
 * below, whatever the order in which the parts started. A start that fails is undone in the same
 * way.
 */

const stages = [
  'renewals',
  // Not ready, and no new connections.
  'readiness',
  'listening',
  'silentConnections',
  'follow',
  // Starts to send pending messages, which takes up to a second; `alertsSent` awaits it.
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

  /** Registers a step for a stage. */
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
