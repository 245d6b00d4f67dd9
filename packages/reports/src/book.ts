/**
 * The book: all reports in the coordinator. It asks the workers for what they hold before each
 * flush and each reading, keeps one ledger for each report, and has them written in the same batch
 * as the counts.
 *
 * Invariants:
 * - a batch is taken once: workers number them as they were asked, and a number that is not higher
 *   than the last one of that worker is not taken;
 * - whatever the reports and the workers do, a flush waits a bounded time and fails for no other
 *   reason than the store.
 */
import type { Clock, MonotonicMs, PeriodName } from '@reto3/core';
import { type Change, type Companion, factsKey, rowRange, type Store } from '@reto3/engine';
import { finalThroughAt } from '@reto3/engine/ring';
import type { Report } from './contract.ts';
import { beginRun, encodeFacts, endRun, type ReportFacts, readFacts } from './facts.ts';
import { Ledger } from './ledger.ts';
import { ReportView } from './reading.ts';
import { type Batch, lastBatch } from './worker-reports.ts';

export interface BookEvents {
  /** A report cannot go on; every worker has to switch it off. */
  switchedOff(report: string, reason: string): void;
  /** A row of a report cannot be read any more. */
  damaged(report: string, period: PeriodName, start: number, reason: string): void;
}

/** A row of a report that is about to be written. */
export interface ChangedRow {
  readonly report: string;
  readonly period: PeriodName;
  /** Epoch ms. */
  readonly start: number;
}

/** What it needs of the workers. */
export interface Askable {
  readonly workerCount: number;
  /** Asks every worker for a batch under that number. */
  askForReports(number: number): void;
}

/** A worker is seldom busy for longer; one that is hands its batch to the next flush. */
const flushWaitMs = 10;
/** Where an answer promises more, or a person waits. After that it is answered without. */
const commitWaitMs = 1_000;
/** A worker that stands still is not asked without end. */
const mostUnanswered = 16;

export class ReportBook implements Companion {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #events: BookEvents;
  readonly #ledgers = new Map<string, Ledger>();
  /** Of every report that the store knows of, running or not. */
  readonly #facts: Map<string, ReportFacts>;
  readonly #factsToWrite = new Set<string>();
  #workers: Askable | undefined;
  #answered: number[] = [];
  #asked = 0;
  /** When each number was asked for, epoch ms. */
  readonly #askedAt = new Map<number, number>();
  #gatheredAt = 0;
  /** The same, as it was when the last write began. */
  #writtenUntil = 0;
  #onChanges: ((rows: readonly ChangedRow[]) => void) | undefined;
  #waiting: { readonly number: number; readonly resolve: () => void }[] = [];

  private constructor(
    store: Store,
    clock: Clock,
    events: BookEvents,
    facts: Map<string, ReportFacts>,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#events = events;
    this.#facts = facts;
  }

  static async open(
    reports: readonly Report[],
    store: Store,
    clock: Clock,
    events: BookEvents,
  ): Promise<ReportBook> {
    const book = new ReportBook(store, clock, events, await readFacts(store));
    const { monotonicMs } = clock.read();
    for (const report of reports) book.#open(report, monotonicMs);
    return book;
  }

  /** Says when the reports began; to be called before the workers count. */
  begin(endBefore: number): void {
    const { wallMs } = this.#clock.read();
    this.#gatheredAt = wallMs;
    for (const { report } of this.#ledgers.values()) {
      const before = this.#facts.get(report.name);
      this.#keep(beginRun(report, before, wallMs, endBefore));
    }
  }

  /** Has workers to ask from now on. */
  connect(workers: Askable): void {
    this.#workers = workers;
    this.#answered = new Array<number>(workers.workerCount).fill(0);
  }

  /** Says that the reports run no longer; to be called before the last flush. */
  end(): void {
    const { wallMs } = this.#clock.read();
    for (const name of this.#ledgers.keys()) {
      const facts = this.#facts.get(name);
      if (facts !== undefined) this.#keep(endRun(facts, wallMs));
    }
  }

  /** Everything that is known of any report, by name. */
  facts(): ReportFacts[] {
    return [...this.#facts.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The report of that name, if it runs or ran since the start. */
  running(name: string): Report | undefined {
    return this.#ledgers.get(name)?.report;
  }

  get takesMessages(): boolean {
    for (const { off } of this.#ledgers.values()) if (!off) return true;
    return false;
  }

  /** Whether it takes messages now. */
  isOn(name: string): boolean {
    return this.#ledgers.get(name)?.off === false;
  }

  /** Takes what a worker handed over. */
  receive(worker: number, number: number, { parts, failed }: Batch): void {
    if (number <= (this.#answered[worker] ?? 0)) return;
    this.#answered[worker] = number;
    for (const { report, parts: more } of parts) this.#ledgers.get(report)?.merge(more);
    for (const { report, reason } of failed) this.#ledgers.get(report)?.switchOff(reason);
    const all = Math.min(...this.#answered);
    this.#gatheredAt = this.#askedAt.get(all) ?? this.#gatheredAt;
    for (const asked of this.#askedAt.keys()) if (asked <= all) this.#askedAt.delete(asked);
    for (const { number: wanted, resolve } of this.#waiting) if (wanted <= all) resolve();
    this.#waiting = this.#waiting.filter((waiter) => waiter.number > all);
  }

  gather(options: { readonly sync: boolean }): Promise<void> | undefined {
    if (this.#workers === undefined || !this.takesMessages) return undefined;
    const answered = Math.min(...this.#answered);
    if (answered === lastBatch) return undefined;
    if (this.#asked - answered < mostUnanswered) {
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
        options.sync ? commitWaitMs : flushWaitMs,
      );
      waiter.resolve = () => {
        clearTimeout(late);
        resolve();
      };
      this.#waiting.push(waiter);
    });
  }

  /** Tells of all rows of every write from now on, before it is written. */
  onChanges(listener: (rows: readonly ChangedRow[]) => void): void {
    this.#onChanges = listener;
  }

  /** Up to where the last write holds all that is final, where the counts are so by then; epoch ms. */
  writtenThrough(finalThrough: number): number {
    return Math.min(finalThrough, finalThroughAt(this.#writtenUntil));
  }

  changes(): Change[] {
    const rows = [...this.#ledgers.values()].flatMap((ledger) => ledger.changes());
    this.#onChanges?.(rows.map(({ report, period, start }) => ({ report, period, start })));
    this.#writtenUntil = this.takesMessages ? this.#gatheredAt : this.#clock.read().wallMs;
    const changes: Change[] = rows.map(({ key, bytes }) => ({ report: key, bytes }));
    for (const name of this.#factsToWrite) {
      const facts = this.#facts.get(name);
      if (facts !== undefined) changes.push({ report: factsKey(name), bytes: encodeFacts(facts) });
    }
    this.#factsToWrite.clear();
    return changes;
  }

  written(write: number): void {
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
   * Everything that a report has of a period, as it is now; to be closed.
   * @param finalThrough of the counts, epoch ms
   * @throws Reto3Error RETO3_STORE_FAILING
   */
  view(name: string, period: PeriodName, finalThrough: number): ReportView {
    const ledger = this.#ledgers.get(name);
    const memory = ledger?.inMemory(period) ?? new Map();
    // What a worker that stands still has is not in it, nor what came after a report failed.
    const sawAllUntil = this.isOn(name) ? this.#gatheredAt : this.#facts.get(name)?.runs.at(-1)?.to;
    const complete = ledger === undefined ? finalThrough : finalThroughAt(sawAllUntil ?? 0);
    return new ReportView(name, period, {
      finalThrough: Math.min(finalThrough, complete),
      memory,
      store: this.#store.snapshot(),
    });
  }

  #open(report: Report, monotonicMs: MonotonicMs): void {
    const { name } = report;
    const events = {
      failed: (reason: string) => {
        const facts = this.#facts.get(name);
        // What came since the last batch of all workers may be missing.
        if (facts !== undefined) this.#keep(endRun(facts, this.#gatheredAt, reason));
        this.#events.switchedOff(name, reason);
      },
      damaged: (period: PeriodName, start: number, reason: string) =>
        this.#events.damaged(name, period, start, reason),
    };
    this.#ledgers.set(name, new Ledger(report, this.#store, events, monotonicMs));
  }

  #keep(facts: ReportFacts): void {
    this.#facts.set(facts.name, facts);
    this.#factsToWrite.add(facts.name);
  }
}
