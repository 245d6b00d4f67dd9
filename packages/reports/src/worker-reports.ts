/**
 * The reports in a worker: hands each counted message to all of them, and gives what they hold to
 * the coordinator when it asks. A report that throws, takes too long or grows too large is switched
 * off and takes nothing with it: neither the message's count, nor its answer, nor another report.
 */
import { messageOf } from '@reto3/core';
import { Accumulators, type Parts } from './accumulators.ts';
import { type Message, type Report, shortestPeriod } from './contract.ts';
import { TimeBudget } from './time-budget.ts';

/** What the reports of a worker hold since they were last asked. */
export interface Batch {
  /** By name; only those in which something came. */
  readonly parts: readonly { readonly report: string; readonly parts: Parts }[];
  /** Those that failed since, by name, with the reason. */
  readonly failed: readonly { readonly report: string; readonly reason: string }[];
}

/** The number of the last batch of a worker, which it hands over when it leaves. */
export const lastBatch = Number.MAX_SAFE_INTEGER;

/**
 * How many windows all workers together begin between two flushes: clients choose the times of their
 * messages, and the coordinator keeps and writes a row of each period for every window (`mostRows` in
 * ledger.ts counts on it). Messages beyond are in the window of their arrival.
 */
export const mostWindows = 16_384;

interface Running {
  readonly report: Report;
  readonly accumulators: Accumulators<unknown>;
  readonly budget: TimeBudget;
}

export class WorkerReports {
  /** Whether one of them looks at bodies. */
  readonly needsBody: boolean;
  #running: readonly Running[];
  #failed: { report: string; reason: string }[] = [];

  /** @param workers among how many the windows are shared */
  constructor(reports: readonly Report[], workers = 1) {
    this.needsBody = reports.some(({ needs }) => needs === 'body');
    const nowMs = performance.now();
    this.#running = reports.map((report) => ({
      report,
      accumulators: new Accumulators(
        report,
        shortestPeriod(report),
        Math.floor(mostWindows / workers),
      ),
      budget: new TimeBudget(nowMs),
    }));
  }

  /** Adds a message that was counted to every report. Never throws. */
  add(message: Message): void {
    let before = performance.now();
    for (const running of this.#running) {
      try {
        running.accumulators.add(message);
      } catch (error) {
        this.#fail(running, `it failed: ${messageOf(error)}`);
      }
      const after = performance.now();
      running.budget.spend(after - before);
      before = after;
    }
  }

  /** What came since this was last called. Never throws. */
  drain(): Batch {
    const parts: { report: string; parts: Parts }[] = [];
    for (const running of this.#running) {
      const { report, accumulators, budget } = running;
      const before = performance.now();
      try {
        if (accumulators.size > 0) parts.push({ report: report.name, parts: accumulators.drain() });
      } catch (error) {
        this.#fail(running, `it failed: ${messageOf(error)}`);
        continue;
      }
      const now = performance.now();
      budget.spend(now - before);
      const slow = budget.judge(now);
      if (slow !== undefined) this.#fail(running, `it is too slow: ${slow} of a worker`);
    }
    const failed = this.#failed;
    this.#failed = [];
    return { parts, failed };
  }

  /** Runs that report no longer. */
  switchOff(name: string): void {
    this.#running = this.#running.filter(({ report }) => report.name !== name);
  }

  #fail(running: Running, reason: string): void {
    this.#failed.push({ report: running.report.name, reason });
    this.switchOff(running.report.name);
  }
}

/** The buffers of a batch that a thread may give away. */
export function transferablesOf({ parts }: Batch): ArrayBuffer[] {
  return parts.flatMap(({ parts: { starts, ends, bytes } }) =>
    [starts.buffer, ends.buffer, bytes.buffer].filter((buffer) => buffer instanceof ArrayBuffer),
  );
}
