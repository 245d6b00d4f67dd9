/**
 * How a server stops. Each part says at its start what its stop takes; all of that runs in one order,
 * whatever the order of the start was. A start that fails is undone in the same way.
 */

const stages = [
  // Not ready, and no new connections.
  'readiness',
  'listening',
  'silentConnections',
  // Begins to send what waits, which takes up to a second; `alertsSent` is its end.
  'alerts',
  'flushLoop',
  'waitingAnswers',
  'workers',
  'portClaim',
  'retention',
  'reports',
  // The last sweep and write, on the disk.
  'coordinator',
  'archive',
  // Publishes the last of what the coordinator wrote.
  'cluster',
  'alertsSent',
  'queryApi',
  'store',
] as const;

export type StopStage = (typeof stages)[number];

export class Shutdown {
  readonly #steps = new Map<StopStage, () => unknown>();
  #running: Promise<void> | undefined;

  /** Whether it has begun. */
  get begun(): boolean {
    return this.#running !== undefined;
  }

  /** What this stage takes. */
  add(stage: StopStage, step: () => unknown): void {
    this.#steps.set(stage, step);
  }

  /**
   * Runs the steps one after the other, each of them whatever became of those before; once, however
   * often it is called. @throws the first error
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
