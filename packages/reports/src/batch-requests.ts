/**
 * Requests batches from all workers and waits for them, for a bounded time.
 *
 * Each request has a number, which the workers' batches carry. A worker's batch is accepted once: a
 * number that is not higher than that of its last batch is ignored. The ledgers are complete up to
 * the time of the newest request that all workers have answered.
 */
import type { Clock } from '@reto3/core';
import { lastBatch } from './worker-reports.ts';

/** The workers, which fill the accumulators. */
export interface ReportWorkers {
  readonly workerCount: number;
  /** Requests a batch with this number from every worker. */
  askForReports(number: number): void;
}

/** How long a flush waits. Workers seldom take longer; a late batch goes into the next flush. */
const flushWaitMs = 10;
/** How long a durable commit or a query waits, which promise more, before it continues without. */
const commitWaitMs = 1_000;
/** Bounds the requests to a stalled worker. */
const maxUnanswered = 16;

export class BatchRequests {
  readonly #clock: Clock;
  #workers: ReportWorkers | undefined;
  /** The number of each worker's last batch. */
  #answered: number[] = [];
  /** The number of the last request. */
  #asked = 0;
  /** When each unanswered number was requested, epoch ms. */
  readonly #askedAt = new Map<number, number>();
  #gatheredAt = 0;
  #waiting: { readonly number: number; readonly resolve: () => void }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The ledgers have all messages up to this time, epoch ms. */
  get gatheredAt(): number {
    return this.#gatheredAt;
  }

  /** Declares the ledgers complete up to now, before the workers count. */
  begin(nowMs: number): void {
    this.#gatheredAt = nowMs;
  }

  connect(workers: ReportWorkers): void {
    this.#workers = workers;
    this.#answered = new Array<number>(workers.workerCount).fill(0);
  }

  /**
   * Records a worker's batch; false if the batch is an old one. Merge a new one, then call
   * `settle`.
   */
  accept(worker: number, number: number): boolean {
    if (number <= (this.#answered[worker] ?? 0)) return false;
    this.#answered[worker] = number;
    return true;
  }

  /** Ends the waits for requests that all workers have answered. */
  settle(): void {
    const all = Math.min(...this.#answered);
    this.#gatheredAt = this.#askedAt.get(all) ?? this.#gatheredAt;
    for (const asked of this.#askedAt.keys()) if (asked <= all) this.#askedAt.delete(asked);
    for (const { number, resolve } of this.#waiting) if (number <= all) resolve();
    this.#waiting = this.#waiting.filter(({ number }) => number > all);
  }

  /**
   * Requests a batch from every worker.
   * @param sync whether a durable commit or a query waits for it
   * @returns resolves when all have answered, or after a bounded time; undefined if none will
   * answer
   */
  gather(sync: boolean): Promise<void> | undefined {
    if (this.#workers === undefined) return undefined;
    const answered = Math.min(...this.#answered);
    if (answered === lastBatch) return undefined;
    if (this.#asked - answered < maxUnanswered) {
      this.#asked++;
      this.#askedAt.set(this.#asked, this.#clock.read().wallMs);
      this.#workers.askForReports(this.#asked);
    }
    const number = this.#asked;
    return new Promise((resolve) => {
      const waiter = { number, resolve: (): void => undefined };
      const late = setTimeout(
        () => {
          this.#waiting = this.#waiting.filter((other) => other !== waiter);
          resolve();
        },
        sync ? commitWaitMs : flushWaitMs,
      );
      waiter.resolve = () => {
        clearTimeout(late);
        resolve();
      };
      this.#waiting.push(waiter);
    });
  }
}
