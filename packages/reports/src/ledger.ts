/**
 * The ledger of one report in the coordinator: merges the workers' accumulators into the rows of
 * all its periods, which are written with the counts.
 *
 * Rows are absolute: before its first write, a row in memory absorbs the stored one, so a write may
 * be repeated. If the report fails, the ledger switches it off and the counts are written
 * regardless.
 */
import { alignDown, messageOf, type PeriodName, periodNames, periods } from '@reto3/core';
import {
  DamagedRow,
  decodeRow,
  RowEncoder,
  type RowParts,
  rowKey,
  rowMsOf,
  type Store,
} from '@reto3/engine';
import { type EncodedAccumulators, encodeBounded } from './accumulators.ts';
import { maxAccumulatorBytes, type Report } from './contract.ts';
import { shortLine } from './message-errors.ts';
import { TimeBudget } from './time-budget.ts';
import { maxWindows } from './worker-reports.ts';

export interface LedgerEvents {
  /** The report failed. Called once. */
  failed(reason: string): void;
  /** A stored row is damaged; its new content is kept and marked as partial. */
  damaged(period: PeriodName, start: number, reason: string): void;
}

/** A row that is about to be written. */
export interface ChangedRow {
  readonly report: string;
  readonly period: PeriodName;
  /** Epoch ms. */
  readonly start: number;
}

interface EncodedRow extends ChangedRow {
  readonly key: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Longer than any reason of ours; the text of a report's own error may have any length. */
const mostReasonChars = 300;
/** Far above the need of any built-in report; a row and its key fit into one record of a backup. */
const maxRowBytes = 1_000_000;
/**
 * The size of a 10 ms window of a report with a key, some 100 keys. Its row is written with every
 * flush, and deflating 200 KB takes 4 ms.
 */
const wantedMs10Bytes = 2_000;

function wantedBytesOf(period: PeriodName): number {
  return period === 'ms10' ? wantedMs10Bytes : maxAccumulatorBytes;
}

/**
 * Enough for all windows of two flushes, with a row of every period each. Whatever times clients
 * choose, it is exceeded only if the store keeps failing.
 */
const maxRows = 2 * periodNames.length * maxWindows;
/**
 * How long rows stay in memory after their end, so that nearly all late messages find them there.
 */
const keptAfterMs = 2_000;

/** One window of a row, in at least one of two forms. */
interface Window<Accumulator> {
  /** Undefined until something is merged into it. */
  accumulator: Accumulator | undefined;
  /** Undefined if the accumulator has changed since it was encoded, here or by a worker. */
  bytes: Uint8Array | undefined;
}

interface Row<Accumulator> {
  readonly period: PeriodName;
  readonly start: number;
  readonly key: Uint8Array;
  readonly encoder: RowEncoder;
  readonly windows: Map<number, Window<Accumulator>>;
  /** Whether it has absorbed the stored row. */
  loaded: boolean;
  partial: boolean;
  dirty: boolean;
  inWrite: boolean;
  /** The number of the last successful write of the row; 0 if there was none. */
  writtenIn: number;
}

export class Ledger<Accumulator = unknown> {
  readonly report: Report<Accumulator>;
  readonly #store: Pick<Store, 'readReport'>;
  readonly #events: LedgerEvents;
  readonly #budget: TimeBudget;
  readonly #rows = new Map<string, Row<Accumulator>>();
  #off = false;

  constructor(
    report: Report<Accumulator>,
    store: Pick<Store, 'readReport'>,
    events: LedgerEvents,
    nowMs: number,
  ) {
    this.report = report;
    this.#store = store;
    this.#events = events;
    this.#budget = new TimeBudget(nowMs);
  }

  get off(): boolean {
    return this.#off;
  }

  /** Accepts no more accumulators; rows in memory are still written. */
  switchOff(reason: string): void {
    if (this.#off) return;
    this.#off = true;
    this.#events.failed(shortLine(reason, mostReasonChars));
  }

  /** Merges a worker's accumulators. Never throws. */
  merge({ starts, ends, bytes }: EncodedAccumulators): void {
    if (this.#off) return;
    const before = performance.now();
    try {
      let from = 0;
      for (const [index, start] of starts.entries()) {
        const to = ends[index] ?? 0;
        this.#mergeWindow(start, bytes.subarray(from, to));
        from = to;
      }
      if (this.#rows.size > maxRows)
        throw new RangeError(`it has ${this.#rows.size} rows in memory, want at most ${maxRows}`);
    } catch (error) {
      this.switchOff(`it failed: ${messageOf(error)}`);
    }
    this.#budget.spend(performance.now() - before);
  }

  /**
   * Begins a write and returns the rows that changed since the last one.
   * @throws what the store throws if it cannot be read; never what the report throws
   */
  changes(): EncodedRow[] {
    const before = performance.now();
    const changes: EncodedRow[] = [];
    for (const [name, row] of this.#rows) {
      if (!row.dirty) continue;
      const bytes = this.#attempt(name, row, () => row.encoder.encode(this.#parts(row)));
      if (bytes === undefined) continue;
      const { period, start, key } = row;
      changes.push({ report: this.report.name, period, start, key, bytes });
      row.dirty = false;
      row.inWrite = true;
    }
    const now = performance.now();
    this.#budget.spend(now - before);
    const slow = this.#budget.judge(now);
    if (slow !== undefined) this.switchOff(`it is too slow: ${slow} of the coordinator`);
    return changes;
  }

  /** The write that `changes` began succeeded, with this number. */
  written(write: number): void {
    for (const row of this.#rows.values()) {
      if (!row.inWrite) continue;
      row.inWrite = false;
      row.writtenIn = write;
    }
  }

  /**
   * Marks all rows in memory for writing, since the disk's content is unknown after a failed write.
   */
  rewriteAll(): void {
    for (const row of this.#rows.values()) {
      row.dirty = true;
      row.inWrite = false;
    }
  }

  /** Evicts rows whose time is over and that are synced to disk. */
  forget(nowMs: number, syncedWrites: number): void {
    for (const [name, row] of this.#rows) {
      const isCurrent = nowMs >= row.start && nowMs < row.start + rowMsOf(row.period) + keptAfterMs;
      if (isCurrent || row.dirty || row.inWrite || row.writtenIn > syncedWrites) continue;
      this.#rows.delete(name);
    }
  }

  /**
   * The rows in memory of a period, by start; they take precedence over the store.
   * @throws what the store throws if it cannot be read
   */
  inMemory(period: PeriodName): Map<number, RowParts> {
    const rows = new Map<number, RowParts>();
    for (const [name, row] of this.#rows) {
      if (row.period !== period) continue;
      const parts = this.#attempt(name, row, () => this.#parts(row));
      if (parts !== undefined) rows.set(row.start, parts);
    }
    return rows;
  }

  #mergeWindow(time: number, part: Uint8Array): void {
    // `merge` must not change its second argument, so one accumulator serves all rows.
    const more = this.report.decode(part);
    for (const period of this.report.periods) {
      const start = alignDown(time, rowMsOf(period));
      const row = this.#rowAt(period, start);
      const index = Math.floor((time - start) / periods[period].windowMs);
      const held = row.windows.get(index);
      if (held === undefined) row.windows.set(index, this.#newWindow(period, part));
      else {
        held.accumulator = this.report.merge(this.#accumulatorOf(held), more);
        held.bytes = undefined;
      }
      row.dirty = true;
    }
  }

  #newWindow(period: PeriodName, part: Uint8Array): Window<Accumulator> {
    if (part.length <= wantedBytesOf(period)) return { accumulator: undefined, bytes: part };
    return { accumulator: this.report.decode(part), bytes: undefined };
  }

  #accumulatorOf({ accumulator, bytes }: Window<Accumulator>): Accumulator {
    if (accumulator !== undefined) return accumulator;
    if (bytes === undefined) throw new Error('BUG: a window without content');
    return this.report.decode(bytes);
  }

  #rowAt(period: PeriodName, start: number): Row<Accumulator> {
    const name = `${period} ${start}`;
    let row = this.#rows.get(name);
    if (row === undefined) {
      const key = rowKey(this.report.name, period, start);
      row = {
        ...{ period, start, key },
        windows: new Map(),
        encoder: new RowEncoder(key),
        loaded: false,
        partial: false,
        dirty: false,
        inWrite: false,
        writtenIn: 0,
      };
      this.#rows.set(name, row);
    }
    return row;
  }

  /**
   * Absorbs the stored row, then calls `use`. If the report fails, drops the row and switches the
   * report off.
   * @throws what the store throws
   */
  #attempt<T>(name: string, row: Row<Accumulator>, use: () => T): T | undefined {
    const stored = row.loaded ? undefined : this.#store.readReport(row.key);
    try {
      if (stored !== undefined) this.#absorb(row, stored);
      row.loaded = true;
      return use();
    } catch (error) {
      this.#rows.delete(name);
      this.switchOff(`it failed: ${messageOf(error)}`);
      return undefined;
    }
  }

  #absorb(row: Row<Accumulator>, stored: Uint8Array): void {
    try {
      const { windows, partial } = decodeRow(stored, row.key, row.period);
      row.partial ||= partial;
      for (const [index, bytes] of windows) {
        const since = row.windows.get(index);
        const before = this.report.decode(bytes);
        const accumulator = since && this.report.merge(before, this.#accumulatorOf(since));
        row.windows.set(index, { accumulator, bytes: since === undefined ? bytes : undefined });
      }
    } catch (error) {
      if (!(error instanceof DamagedRow)) throw error;
      row.partial = true;
      this.#events.damaged(row.period, row.start, error.message);
    }
  }

  #parts(row: Row<Accumulator>): RowParts {
    const { report } = this;
    const windows = new Map<number, Uint8Array>();
    const wantedBytes = wantedBytesOf(row.period);
    let rowBytes = 0;
    for (const [index, window] of row.windows) {
      window.bytes ??= encodeBounded(report, this.#accumulatorOf(window), wantedBytes);
      // A second has a hundred of these windows, and hardly one is merged into again.
      if (row.period === 'ms10') window.accumulator = undefined;
      windows.set(index, window.bytes);
      rowBytes += window.bytes.length;
    }
    if (rowBytes > maxRowBytes)
      throw new RangeError(`a row has ${rowBytes} bytes, want at most ${maxRowBytes}`);
    return { windows, partial: row.partial };
  }
}
