/**
 * The rows of a node's reports that the cluster still lacks, and messages with them.
 *
 * Invariants:
 * - only what is on the disk for certain is published: rows are read from a snapshot, and sent when
 *   an fsync covers that snapshot. So no later boot of the folder has less than what was published,
 *   and nothing has to be voided after a power cut;
 * - a row is pending from before its write until a message with it is acknowledged, and the meta
 *   row says from when on rows may be pending, in the very write that changes them.
 */
import { alignDown, type Clock, largestTime, type PeriodName, periodNames, sec } from '@reto3/core';
import { rowMsOf, type StoredCounts } from '@reto3/engine';
import type { Boot, Lane, Outgoing } from './lane.ts';
import type { NodeReport } from './node-report.ts';
import type { Rows } from './read-message.ts';
import {
  encodeReportMessage,
  headBytes,
  type PublishedWindow,
  type ReportMessage,
  windowHeadBytes,
} from './report-message.ts';
import { PendingRows, type RowName, type RowSpan } from './report-pending.ts';
import { type LeftOut, readWindows } from './report-windows.ts';

export interface RowsParts {
  readonly node: string;
  readonly stored: () => StoredCounts;
  readonly clock: Clock;
  /** All reports of the node, as they are now. */
  readonly said: () => readonly NodeReport[];
  readonly leftOut: LeftOut;
}

/** About so many bytes are read before they are sent, and lie in one message. */
const batchBytes = 256 << 10;
/** After a start nobody is made to wait for rows that are older than this. */
export const waitedForMs = 180_000;

/** Of what is read once more, everything was told of before. */
const quietly: LeftOut = { damaged: () => undefined, tooLarge: () => undefined };
const noMarks = { ms10: 0, sec: 0, min: 0 };

/** Windows that were read, of one message. */
interface Batch {
  readonly revision: number;
  readonly windows: readonly PublishedWindow[];
  readonly marks: Readonly<Record<PeriodName, number>>;
  /** Whether it holds what may not be on the disk yet. */
  readonly unsynced: boolean;
}

export class RowsLane implements Lane {
  readonly #parts: RowsParts;
  readonly #pending: PendingRows;
  readonly #leftOut: LeftOut;
  #syncedWrites = 0;
  #finalThrough = 0;
  #marks: Readonly<Record<PeriodName, number>> = noMarks;
  #begun = false;
  #ending = false;
  #mostBytes = batchBytes;
  /** What the merger was told of the reports last, as JSON. */
  #told: string | undefined;
  #batch: Batch | undefined;
  #windowsTooLarge = 0;
  #damagedRows = 0;

  constructor(parts: RowsParts) {
    this.#parts = parts;
    this.#pending = new PendingRows(parts.clock);
    this.#leftOut = {
      damaged: (row, reason) => {
        this.#damagedRows++;
        parts.leftOut.damaged(row, reason);
      },
      tooLarge: (window, bytes) => {
        this.#windowsTooLarge++;
        parts.leftOut.tooLarge(window, bytes);
      },
    };
  }

  /** These rows are about to be written. */
  writing(rows: readonly RowName[]): void {
    this.#pending.writing(rows);
  }

  /** A write is done. @param finalThrough up to where it holds all that is final of the reports */
  written(write: number, finalThrough: number): void {
    this.#pending.written(write);
    if (this.#finalThrough === 0) this.#beginMarks(finalThrough);
    this.#finalThrough = Math.max(this.#finalThrough, finalThrough);
  }

  /** All writes up to that number are on the disk. */
  synced(write: number): void {
    this.#syncedWrites = Math.max(this.#syncedWrites, write);
    this.#pending.synced(write);
  }

  /**
   * A new boot: all rows from `through` on (epoch ms) are pending.
   * @param mostBytes how large a message may be
   */
  begin(through: number, mostBytes: number): void {
    this.#begun = true;
    this.#mostBytes = Math.min(batchBytes, mostBytes - headBytes);
    this.#told = undefined;
    for (const { name, periods } of this.#parts.said())
      for (const period of periods) this.#pending.addFresh(name, period, through);
  }

  /** All rows that start before that are published, epoch ms. @param before as it was at the start */
  through(before: number): number {
    // Nothing goes out before it begins, and what comes until then is pending like the rest.
    return this.#begun ? this.#pending.oldest : Math.min(before, this.#pending.oldest);
  }

  get state() {
    return {
      windowsTooLarge: this.#windowsTooLarge,
      damagedRows: this.#damagedRows,
      /** Whether there are rows that the cluster lacks. */
      pending: this.#pending.oldest < largestTime,
    };
  }

  isDue(): boolean {
    const batch = this.#batch;
    // The last write of a server ends on the disk, so nothing has to be waited for.
    if (batch !== undefined) return this.#ending || this.#isOnDisk(batch);
    if (this.#isUntold || (this.#isMarkDue && !this.#ending)) return true;
    return this.#pending.hasFresh(this.#finalThrough, this.#ending);
  }

  async next(boot: Boot): Promise<Outgoing | undefined> {
    this.#batch ??= await this.#read();
    const batch = this.#batch;
    if (!this.#ending && !this.#isOnDisk(batch)) return undefined;
    const reports = this.#parts.said();
    const said = { ...batch, reports: this.#isUntold ? reports : undefined };
    const sent = (): void => {
      this.#told = JSON.stringify(reports);
      this.#marks = batch.marks;
      this.#batch = undefined;
      this.#pending.acknowledged();
    };
    return { bytes: this.#encode(boot, said), past: false, sent };
  }

  failed(): void {
    this.#pending.failed();
    this.#batch = undefined;
  }

  end(): void {
    this.#ending = true;
  }

  /**
   * The windows of a span that are on the disk, in a message, and from which on to read the rest; or
   * what the reports of the node are.
   */
  async read(boot: Boot, span: RowSpan | undefined): Promise<Rows> {
    const snapshot = this.#parts.stored();
    try {
      const { revision } = snapshot;
      // What is not on the disk comes by itself once it is there.
      const { windows, next } =
        span === undefined
          ? { windows: [], next: undefined }
          : await this.#collect(snapshot, span, this.#mostBytes);
      const reports = span === undefined ? this.#parts.said() : undefined;
      const message = this.#encode(boot, { revision, marks: noMarks, reports, windows });
      return { message, next };
    } finally {
      await snapshot.close();
    }
  }

  #encode(boot: Boot, said: Omit<ReportMessage, 'boot' | 'lineage' | 'voids'>): Uint8Array {
    return encodeReportMessage({ ...boot, ...said }, this.#parts.node);
  }

  #beginMarks(finalThrough: number): void {
    const oldest = Math.max(finalThrough - waitedForMs, 0);
    const from = Math.max(oldest, Math.min(finalThrough, this.#pending.oldest));
    this.#marks = { ms10: from, sec: from, min: from };
  }

  #isOnDisk({ unsynced, revision }: Batch): boolean {
    return !unsynced || revision <= this.#syncedWrites;
  }

  /** Whether the merger does not know yet what the reports are now. */
  get #isUntold(): boolean {
    return this.#told !== JSON.stringify(this.#parts.said());
  }

  /** Whether a second is over in which nothing came, so that only this is to be said. */
  get #isMarkDue(): boolean {
    const over = alignDown(this.#finalThrough, sec.windowMs);
    const runs = this.#parts.said().some(({ running }) => running);
    return runs && this.#marksAt(over).ms10 > this.#marks.ms10;
  }

  async #read(): Promise<Batch> {
    // Both before the snapshot: what is final in it may be more, never less, and what changes while
    // it is read is pending anew.
    const finalThrough = this.#finalThrough;
    const asked = this.#pending.take(finalThrough, this.#ending);
    const windows: PublishedWindow[] = [];
    let [room, unsynced] = [this.#mostBytes, false];
    const snapshot = this.#parts.stored();
    try {
      for (const span of asked) {
        const read = await this.#collect(snapshot, span, room, this.#leftOut);
        windows.push(...read.windows);
        room -= read.bytes;
        unsynced ||= read.unsynced;
        if (read.next !== undefined) this.#pending.putBack(span, read.next);
      }
      return { revision: snapshot.revision, windows, marks: this.#marksAt(finalThrough), unsynced };
    } finally {
      await snapshot.close();
    }
  }

  /**
   * The windows of a span that there is room for, and from which on the rest begins.
   * @param leftOut absent: only what is on the disk for certain, of which all was told before
   */
  async #collect(
    snapshot: StoredCounts,
    { report, period, from, to }: RowSpan,
    room: number,
    leftOut?: LeftOut,
  ) {
    const windows: PublishedWindow[] = [];
    let [bytes, unsynced] = [0, false];
    const rows = { report, period, from: alignDown(from, rowMsOf(period)), to };
    for await (const row of readWindows(snapshot, rows, this.#mostBytes, leftOut ?? quietly)) {
      const mayBeLost = this.#pending.mayBeUnsynced({ report, period, start: row.start });
      if (mayBeLost && leftOut === undefined) continue;
      for (const window of row.windows) {
        if (window.start < from) continue;
        bytes += window.bytes.length + windowHeadBytes;
        if (bytes > room) return { windows, bytes, unsynced, next: window.start };
        unsynced ||= mayBeLost;
        windows.push(window);
      }
    }
    return { windows, bytes, unsynced, next: undefined };
  }

  /** Up to where all that is final is published, once what was taken by now is. */
  #marksAt(finalThrough: number): Record<PeriodName, number> {
    const marks = { ...this.#marks };
    for (const period of periodNames) {
      const mark = Math.min(finalThrough, this.#pending.firstFresh(period, marks[period]));
      marks[period] = Math.max(marks[period], mark);
    }
    return marks;
  }
}
