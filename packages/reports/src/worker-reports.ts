/**
 * The reports in a worker: passes each counted message to all of them, and their accumulators to
 * the coordinator on request.
 *
 * A message that a report fails on, or has no time for, is left out of that report and counted as
 * an error. A report that errs too often, is too slow or grows too large is switched off. Counts,
 * answers and other reports are never affected.
 */
import { messageOf, type PeriodName } from '@reto3/core';
import { Accumulators, type EncodedAccumulators } from './accumulators.ts';
import { type Message, type Report, shortestPeriod } from './contract.ts';
import { cpuTimes } from './cpu-share.ts';
import { ErrorCount, type MessageErrors } from './message-errors.ts';
import { Needs } from './needs.ts';
import { TimeBudget } from './time-budget.ts';

/** The results of a worker's reports since its previous batch. */
export interface Batch {
  /** The accumulators of reports that received a message. */
  readonly parts: readonly { readonly report: string; readonly parts: EncodedAccumulators }[];
  /** Reports that were switched off. */
  readonly failed: readonly { readonly report: string; readonly reason: string }[];
  /** Messages that are missing in reports. */
  readonly errors: readonly { readonly report: string; readonly errors: MessageErrors }[];
}

/** How long windows are kept, ms. */
export type KeptMs = Readonly<Record<PeriodName, number>>;

/** The number of a worker's final batch, which it sends when it exits. */
export const lastBatch = Number.MAX_SAFE_INTEGER;

/**
 * The windows that all workers together may create between two flushes; further messages go to the
 * window of their arrival. Clients choose the times of their messages, and the coordinator writes a
 * row of each period for every window, so `maxRows` in ledger.ts relies on this.
 */
export const maxWindows = 16_384;

/** One message of so many is timed, since reading the clock takes longer than counting by key. */
const messagesPerMeasured = 8;

interface Running {
  readonly report: Report;
  readonly accumulators: Accumulators<unknown>;
  readonly budget: TimeBudget;
  readonly errors: ErrorCount;
  /** Whether messages skip it, because it has overdrawn its time budget. */
  skips: boolean;
}

export class WorkerReports {
  /** The parts of a message that the reports read. */
  readonly needs: Needs;
  #running: readonly Running[];
  #failed: { report: string; reason: string }[] = [];
  /** Reports that were switched off since the previous batch. */
  #switchedOff: Running[] = [];
  /** Messages until the next one that is timed. */
  #unmeasured = 0;

  /**
   * @param workers how many workers share `maxWindows`
   * @param keptMs how long windows are kept, by period
   * @param timesOfThread the processor times of this thread; tests pass their own
   */
  constructor(
    reports: readonly Report[],
    workers = 1,
    keptMs: Partial<KeptMs> = {},
    timesOfThread = cpuTimes,
  ) {
    this.needs = Needs.of(reports);
    const nowMs = performance.now();
    this.#running = reports.map((report) => ({
      report,
      accumulators: new Accumulators(
        report,
        shortestPeriod(report),
        Math.floor(maxWindows / workers),
        keptMs[shortestPeriod(report).name],
      ),
      budget: new TimeBudget(nowMs, timesOfThread),
      errors: new ErrorCount(),
      skips: false,
    }));
  }

  /** Adds a counted message to every report. Never throws. */
  add(message: Message): void {
    if (this.#unmeasured > 0) {
      this.#unmeasured--;
      for (const running of this.#running) this.#give(running, message);
      return;
    }
    // A random distance, since clients may send messages of several kinds in turn.
    this.#unmeasured = Math.floor(Math.random() * (2 * messagesPerMeasured - 1));
    let before = performance.now();
    for (const running of this.#running) {
      const { budget } = running;
      running.skips = budget.isOverdrawn(before);
      this.#give(running, message);
      const after = performance.now();
      budget.spend(after - before, messagesPerMeasured);
      before = after;
    }
  }

  #give(running: Running, message: Message): void {
    const { accumulators, errors } = running;
    if (running.skips) {
      errors.skipped();
      return;
    }
    try {
      accumulators.add(message);
      errors.took();
    } catch (error) {
      const reason = errors.failed(message, error);
      if (reason !== undefined) this.#fail(running, reason);
    }
  }

  /** Removes and returns the accumulators. Never throws. */
  drain(): Batch {
    const parts: { report: string; parts: EncodedAccumulators }[] = [];
    const errors = [...this.#running, ...this.#switchedOff].flatMap(({ report, errors: count }) => {
      const since = count.drain();
      return since === undefined ? [] : [{ report: report.name, errors: since }];
    });
    this.#switchedOff = [];
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
    return { parts, failed, errors };
  }

  /** Passes no more messages to a report. */
  switchOff(name: string): void {
    this.#running = this.#running.filter(({ report }) => report.name !== name);
  }

  /** Switches a report off because its code failed outside of a call. */
  fail(name: string, reason: string): void {
    const running = this.#running.find(({ report }) => report.name === name);
    if (running !== undefined) this.#fail(running, reason);
  }

  #fail(running: Running, reason: string): void {
    this.#failed.push({ report: running.report.name, reason });
    this.#switchedOff.push(running);
    this.switchOff(running.report.name);
  }
}

export { Needs } from './needs.ts';

/** The buffers of a batch, for a transfer between threads. */
export function batchTransferables({ parts }: Batch): ArrayBuffer[] {
  return parts.flatMap(({ parts: { starts, ends, bytes } }) =>
    [starts.buffer, ends.buffer, bytes.buffer].filter((buffer) => buffer instanceof ArrayBuffer),
  );
}
