/**
 * All reports in the coordinator. Collects the workers' accumulators before each flush and each
 * read, merges them into a ledger per report, and adds the ledgers' rows to the write of the
 * counts.
 *
 * Invariants:
 * - A batch is merged once: each has the number of its request, and a worker's batch whose number
 *   is not higher than its last one is ignored.
 * - Whatever reports and workers do, a flush waits a bounded time for them, and fails only if the
 *   store fails.
 */
import {
  type Clock,
  largestTime,
  type MonotonicMs,
  type PeriodName,
  periodNames,
  Reto3Error,
} from '@reto3/core';
import {
  encodeRow,
  type FlushParticipant,
  factsKey,
  type HeldRow,
  rowRange,
  type Store,
  type Written,
} from '@reto3/engine';
import { finalThroughAt } from '@reto3/engine/ring';
import { BatchRequests, type ReportWorkers } from './batch-requests.ts';
import type { Report } from './contract.ts';
import {
  beginRun,
  changeOf,
  encodeFacts,
  endRun,
  type ReportFacts,
  readFacts,
  withErrors,
} from './facts.ts';
import { type ChangedRow, Ledger } from './ledger.ts';
import type { MessageErrors } from './message-errors.ts';
import { ReportView } from './reading.ts';
import type { Batch } from './worker-reports.ts';

export interface ReportEvents {
  /** A report failed; every worker must switch it off. */
  switchedOff(report: string, reason: string): void;
  /** A stored row of a report is damaged. */
  damaged(report: string, period: PeriodName, start: number, reason: string): void;
  /** A report failed on a message; called for the first one since the start. */
  erred(report: string, error: string): void;
}

/**
 * What to do with a report whose code has changed since it stored rows: refuse it, or begin anew.
 */
export type ChangedReports = 'refuse' | 'anew';

export class ReportLedgers implements FlushParticipant {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #events: ReportEvents;
  readonly #ledgers = new Map<string, Ledger>();
  /** The facts of every report in the store, running or not. */
  readonly #facts: Map<string, ReportFacts>;
  readonly #factsToWrite = new Set<string>();
  /** Empty rows for reports that began anew, kept until a write succeeds. */
  #emptied: HeldRow[] = [];
  /** Reports that failed on a message since the start. */
  readonly #erred = new Set<string>();
  readonly #requests: BatchRequests;
  /** The time up to which the ledgers were complete when the last write began, epoch ms. */
  #writtenUntil = 0;
  #onChanges: ((rows: readonly ChangedRow[]) => void) | undefined;

  private constructor(
    store: Store,
    clock: Clock,
    events: ReportEvents,
    facts: Map<string, ReportFacts>,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#events = events;
    this.#facts = facts;
    this.#requests = new BatchRequests(clock);
  }

  /**
   * @throws Reto3Error RETO3_REPORT_CHANGED if a report's code has changed and `changed` is refuse
   */
  static async open(
    reports: readonly Report[],
    store: Store,
    clock: Clock,
    events: ReportEvents,
    changed: ChangedReports = 'refuse',
  ): Promise<ReportLedgers> {
    const ledgers = new ReportLedgers(store, clock, events, await readFacts(store));
    for (const report of reports) await ledgers.#compare(report, changed);
    const { monotonicMs } = clock.read();
    for (const report of reports) ledgers.#open(report, monotonicMs);
    return ledgers;
  }

  /**
   * Records that the reports run from now on; call it before the workers count.
   * @param endBefore the newest count before this start, epoch ms
   */
  begin(endBefore: number): void {
    const { wallMs } = this.#clock.read();
    this.#requests.begin(wallMs);
    for (const { report } of this.#ledgers.values()) {
      const before = this.#facts.get(report.name);
      this.#keep(beginRun(report, before, wallMs, endBefore));
    }
  }

  connect(workers: ReportWorkers): void {
    this.#requests.connect(workers);
  }

  /** Records that the reports no longer run; call it before the last flush. */
  end(): void {
    const { wallMs } = this.#clock.read();
    for (const name of this.#ledgers.keys()) {
      const facts = this.#facts.get(name);
      if (facts !== undefined) this.#keep(endRun(facts, wallMs));
    }
  }

  /** @throws Reto3Error RETO3_REPORT_CHANGED */
  async #compare(report: Report, changed: ChangedReports): Promise<void> {
    const facts = this.#facts.get(report.name);
    const change = facts && changeOf(facts, report);
    if (change === undefined) return;
    if (changed === 'refuse')
      throw new Reto3Error('RETO3_REPORT_CHANGED', `cannot run report "${report.name}": ${change}`);
    this.#facts.delete(report.name);
    for (const period of periodNames) {
      const held = await this.#store.deleteReports(rowRange(report.name, period, 0, largestTime));
      // The journal still has the rows, and a start after kill -9 reads it.
      const empty = { windows: new Map(), partial: false };
      this.#emptied.push(...held.map((key) => ({ key, bytes: encodeRow(empty, key) })));
    }
  }

  /** The facts of all known reports, sorted by name. */
  facts(): ReportFacts[] {
    return [...this.#facts.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The report with this name, if it ran since the start. */
  running(name: string): Report | undefined {
    return this.#ledgers.get(name)?.report;
  }

  /** Whether any report runs and has not been switched off. */
  get isActive(): boolean {
    for (const { off } of this.#ledgers.values()) if (!off) return true;
    return false;
  }

  /** Whether the report runs and has not been switched off. */
  isOn(name: string): boolean {
    return this.#ledgers.get(name)?.off === false;
  }

  /** Switches a report off, if it runs. */
  switchOff(name: string, reason: string): void {
    this.#ledgers.get(name)?.switchOff(reason);
  }

  /** Merges a worker's batch, unless it already did. */
  receive(worker: number, number: number, { parts, failed, errors }: Batch): void {
    if (!this.#requests.accept(worker, number)) return;
    for (const { report, parts: more } of parts) this.#ledgers.get(report)?.merge(more);
    for (const { report, errors: more } of errors) this.#addErrors(report, more);
    for (const { report, reason } of failed) this.switchOff(report, reason);
    this.#requests.settle();
  }

  gather({ sync }: { readonly sync: boolean }): Promise<void> | undefined {
    return this.isActive ? this.#requests.gather(sync) : undefined;
  }

  /** Calls the listener with the rows of each write, before it is written. */
  onChanges(listener: (rows: readonly ChangedRow[]) => void): void {
    this.#onChanges = listener;
  }

  /** The watermark of the last write's rows, epoch ms. `finalThrough` is that of the counts. */
  writtenThrough(finalThrough: number): number {
    return Math.min(finalThrough, finalThroughAt(this.#writtenUntil));
  }

  rows(): HeldRow[] {
    const rows = [...this.#ledgers.values()].flatMap((ledger) => ledger.changes());
    this.#onChanges?.(rows.map(({ report, period, start }) => ({ report, period, start })));
    this.#writtenUntil = this.isActive ? this.#requests.gatheredAt : this.#clock.read().wallMs;
    const held: HeldRow[] = [...this.#emptied, ...rows.map(({ key, bytes }) => ({ key, bytes }))];
    for (const name of this.#factsToWrite) {
      const facts = this.#facts.get(name);
      if (facts !== undefined) held.push({ key: factsKey(name), bytes: encodeFacts(facts) });
    }
    this.#factsToWrite.clear();
    return held;
  }

  written({ write }: Written): void {
    this.#emptied = [];
    for (const ledger of this.#ledgers.values()) ledger.written(write);
  }

  rewriteAll(): void {
    for (const name of this.#ledgers.keys()) this.#factsToWrite.add(name);
    for (const ledger of this.#ledgers.values()) ledger.rewriteAll();
  }

  forget(nowMs: number, syncedWrites: number): void {
    for (const ledger of this.#ledgers.values()) ledger.forget(nowMs, syncedWrites);
  }

  async deleteBefore(period: PeriodName, beforeMs: number): Promise<void> {
    for (const name of this.#facts.keys())
      await this.#store.deleteReports(rowRange(name, period, 0, beforeMs));
  }

  /**
   * The rows of a report and period at this moment. Close the view after use.
   * @param finalThrough the watermark of the counts, epoch ms
   * @throws Reto3Error RETO3_STORE_FAILING
   */
  view(name: string, period: PeriodName, finalThrough: number): ReportView {
    const ledger = this.#ledgers.get(name);
    const memory = ledger?.inMemory(period) ?? new Map();
    // Missing are the messages of a stalled worker, and all after a report failed.
    const sawAllUntil = this.isOn(name)
      ? this.#requests.gatheredAt
      : this.#facts.get(name)?.runs.at(-1)?.to;
    const complete = ledger === undefined ? finalThrough : finalThroughAt(sawAllUntil ?? 0);
    const late = ledger?.report.allowedLatenessMs ?? 0;
    return new ReportView(name, period, {
      finalThrough: Math.max(0, Math.min(finalThrough, complete) - late),
      memory,
      store: this.#store.snapshot(),
    });
  }

  #open(report: Report, monotonicMs: MonotonicMs): void {
    const { name } = report;
    const events = {
      failed: (reason: string) => {
        const facts = this.#facts.get(name);
        // Messages since the last complete batch may be missing.
        if (facts !== undefined) this.#keep(endRun(facts, this.#requests.gatheredAt, reason));
        this.#events.switchedOff(name, reason);
      },
      damaged: (period: PeriodName, start: number, reason: string) =>
        this.#events.damaged(name, period, start, reason),
    };
    this.#ledgers.set(name, new Ledger(report, this.#store, events, monotonicMs));
  }

  #addErrors(name: string, errors: MessageErrors): void {
    const facts = this.#facts.get(name);
    if (facts !== undefined) this.#keep(withErrors(facts, errors));
    const first = errors.examples[0];
    if (first === undefined || this.#erred.has(name)) return;
    this.#erred.add(name);
    this.#events.erred(name, first.error);
  }

  #keep(facts: ReportFacts): void {
    this.#facts.set(facts.name, facts);
    this.#factsToWrite.add(facts.name);
  }
}
