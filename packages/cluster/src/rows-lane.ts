/**
 * The rows of a node's reports that the cluster still lacks, and the messages with them.
 *
 * Invariants:
 * - only rows that are on disk are published: they are read from a snapshot, and sent once an fsync
 *   covers that snapshot. So no later boot of the folder has less than what was published, and a
 *   power cut voids nothing;
 * - a row is pending from before its write until a message with it is acknowledged, and the meta row
 *   of that write says from when on rows may be pending.
 */
import {
  alignDown,
  type Clock,
  type Log,
  largestTime,
  messageOf,
  type PeriodName,
  periods,
  sec,
} from '@reto3/core';
import {
  DamagedRow,
  decodeRow,
  parseKey,
  rowMsOf,
  rowRange,
  type StoredCounts,
} from '@reto3/engine';
import type { Boot, Lane, Outgoing } from './lane.ts';
import type { NodeReport } from './node-report.ts';
import type { Rows } from './read-message.ts';
import {
  encodeReportMessage,
  headBytes,
  noMarks,
  type PublishedWindow,
  type ReportMessage,
  windowHeadBytes,
} from './report-message.ts';
import { PendingRows, type RowName, type RowSpan } from './report-pending.ts';

export interface RowsParts {
  readonly node: string;
  readonly stored: () => StoredCounts;
  readonly clock: Clock;
  readonly log: Pick<Log, 'warn'>;
  /** All reports of the node, as they are now. */
  readonly reports: () => readonly NodeReport[];
}

/** Roughly how much is read for one message. */
const batchBytes = 256 << 10;
/** After a start, windows do not wait for rows that are older than this. */
export const waitedForMs = 180_000;

/** Windows that were read for a message. */
interface Batch {
  readonly revision: number;
  readonly windows: readonly PublishedWindow[];
  readonly marks: Readonly<Record<PeriodName, number>>;
  /** Whether some of them may not be on disk yet. */
  readonly unsynced: boolean;
}

export class RowsLane implements Lane {
  readonly #parts: RowsParts;
  readonly #pending: PendingRows;
  #syncedWrites = 0;
  #finalThrough = 0;
  #marks: Readonly<Record<PeriodName, number>> = noMarks;
  #begun = false;
  #ending = false;
  #mostBytes = batchBytes;
  /** The list of reports that was published last, as JSON. */
  #publishedReports: string | undefined;
  #batch: Batch | undefined;
  #windowsTooLarge = 0;
  #damagedRows = 0;
  /** The reports whose windows too large are in the log. */
  readonly #warned = new Set<string>();

  constructor(parts: RowsParts) {
    this.#parts = parts;
    this.#pending = new PendingRows(parts.clock);
  }

  /** These rows are about to be written. */
  writing(rows: readonly RowName[]): void {
    this.#pending.writing(rows);
  }

  /** A write is done. @param finalThrough up to where it holds all final rows, epoch ms */
  written(write: number, finalThrough: number): void {
    this.#pending.written(write);
    if (this.#finalThrough === 0) this.#beginMarks(finalThrough);
    // The clock stepped back, perhaps while a message was on its way; mergers reject marks ahead of
    // it.
    const newest = Math.max(...Object.values(this.#marks));
    if (finalThrough < newest) this.#marks = this.#marksAt(finalThrough);
    this.#finalThrough = finalThrough;
  }

  /** All writes up to that number are on disk. */
  synced(write: number): void {
    this.#syncedWrites = Math.max(this.#syncedWrites, write);
    this.#pending.synced(write);
  }

  /**
   * Starts a new boot: all rows from `through` on (epoch ms) are pending.
   * @param mostBytes of a message
   */
  begin(through: number, mostBytes: number): void {
    this.#begun = true;
    this.#mostBytes = Math.min(batchBytes, mostBytes - headBytes);
    this.#publishedReports = undefined;
    for (const { name, periods } of this.#parts.reports())
      for (const period of periods) this.#pending.addFresh(name, period, through);
  }

  /** All rows that start before that are published, epoch ms. @param before the same at the start */
  through(before: number): number {
    // Nothing is published before `begin`; whatever changes until then is pending.
    return this.#begun ? this.#pending.oldest : Math.min(before, this.#pending.oldest);
  }

  get state() {
    return {
      windowsTooLarge: this.#windowsTooLarge,
      damagedRows: this.#damagedRows,
      /** Whether the cluster lacks any rows. */
      pending: this.#pending.oldest < largestTime,
    };
  }

  isDue(): boolean {
    const batch = this.#batch;
    if (batch !== undefined) return this.#mayBeSent(batch);
    if (this.#areReportsNew || (this.#isMarkDue && !this.#ending)) return true;
    return this.#pending.hasFresh(this.#finalThrough, this.#ending);
  }

  async next(boot: Boot): Promise<Outgoing | undefined> {
    this.#batch ??= await this.#readBatch();
    const batch = this.#batch;
    if (!this.#mayBeSent(batch)) return undefined;
    const reports = this.#parts.reports();
    const message = { ...batch, reports: this.#areReportsNew ? reports : undefined };
    const sent = (): void => {
      this.#publishedReports = JSON.stringify(reports);
      this.#marks = batch.marks;
      this.#batch = undefined;
      this.#pending.acknowledged();
    };
    return { bytes: this.#encode(boot, message), past: false, sent };
  }

  failed(): void {
    this.#pending.failed();
    this.#batch = undefined;
  }

  end(): void {
    this.#ending = true;
  }

  /**
   * Reads the windows of a span that are on disk into a message, and says where the rest begins.
   * Without a span, the message lists the node's reports.
   */
  async read(boot: Boot, span: RowSpan | undefined): Promise<Rows> {
    const snapshot = this.#parts.stored();
    try {
      const { revision } = snapshot;
      const read = span && (await this.#collect(snapshot, span, this.#mostBytes, false));
      const reports = span === undefined ? this.#parts.reports() : undefined;
      const message = { revision, marks: noMarks, reports, windows: read?.windows ?? [] };
      return { message: this.#encode(boot, message), next: read?.next };
    } finally {
      await snapshot.close();
    }
  }

  #encode(boot: Boot, message: Omit<ReportMessage, 'boot' | 'lineage' | 'voids'>): Uint8Array {
    return encodeReportMessage({ ...boot, ...message }, this.#parts.node);
  }

  #beginMarks(finalThrough: number): void {
    const oldest = Math.max(finalThrough - waitedForMs, 0);
    const from = Math.max(oldest, Math.min(finalThrough, this.#pending.oldest));
    this.#marks = { ms10: from, sec: from, min: from };
  }

  #mayBeSent({ unsynced, revision }: Batch): boolean {
    // The last write of a server that stops ends with an fsync.
    return !unsynced || this.#ending || revision <= this.#syncedWrites;
  }

  /** Whether the list of reports has changed since it was published. */
  get #areReportsNew(): boolean {
    return this.#publishedReports !== JSON.stringify(this.#parts.reports());
  }

  /** Whether a second without messages is over, so that only the mark moves. */
  get #isMarkDue(): boolean {
    const over = alignDown(this.#finalThrough, sec.windowMs);
    const runs = this.#parts.reports().some(({ running }) => running);
    return runs && this.#marksAt(over).ms10 > this.#marks.ms10;
  }

  async #readBatch(): Promise<Batch> {
    // Both come before the snapshot, which may hold more final rows, never fewer; rows that change
    // during the reading are pending again.
    const finalThrough = this.#finalThrough;
    const taken = this.#pending.take(finalThrough, this.#ending);
    const windows: PublishedWindow[] = [];
    let [room, unsynced] = [this.#mostBytes, false];
    const snapshot = this.#parts.stored();
    try {
      for (const span of taken) {
        const read = await this.#collect(snapshot, span, room, true);
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
   * The windows of a span that there is room for, and where the rest begins.
   * @param publishes whether they are for the stream. A reply holds only rows that are on disk, and
   * the stream's messages have reported what is left out
   */
  async #collect(
    snapshot: StoredCounts,
    { report, period, from, to }: RowSpan,
    room: number,
    publishes: boolean,
  ) {
    const windows: PublishedWindow[] = [];
    let [bytes, unsynced] = [0, false];
    const keys = rowRange(report, period, alignDown(from, rowMsOf(period)), to);
    for await (const [key, stored] of snapshot.reports(keys)) {
      const row = parseKey(key);
      if (row === undefined || 'facts' in row) continue;
      const mayBeLost = this.#pending.mayBeUnsynced(row);
      if (mayBeLost && !publishes) continue;
      for (const window of this.#windowsOf(row, key, stored, publishes)) {
        if (window.start < from) continue;
        bytes += window.bytes.length + windowHeadBytes;
        if (bytes > room) return { windows, bytes, unsynced, next: window.start };
        unsynced ||= mayBeLost;
        windows.push(window);
      }
    }
    return { windows, bytes, unsynced, next: undefined };
  }

  /** The windows of a stored row; of a damaged one, none. */
  #windowsOf(row: RowName, key: Uint8Array, stored: Uint8Array, publishes: boolean) {
    const { report, period, start } = row;
    const windows: PublishedWindow[] = [];
    try {
      const { windows: encoded, partial } = decodeRow(stored, key, period);
      for (const [index, bytes] of encoded) {
        const window = { report, period, start: start + index * periods[period].windowMs };
        const fits = bytes.length + windowHeadBytes <= this.#mostBytes;
        if (!fits && publishes) this.#warnOfSize(window, bytes.length);
        const content = fits ? { bytes, tooLarge: 0 } : { bytes: noBytes, tooLarge: bytes.length };
        windows.push({ ...window, ...content, partial });
      }
    } catch (error) {
      if (!(error instanceof DamagedRow)) throw error;
      if (publishes) this.#warnOfDamage(row, error);
    }
    return windows;
  }

  #warnOfSize(window: RowName, bytes: number): void {
    this.#windowsTooLarge++;
    if (this.#warned.has(window.report)) return;
    this.#warned.add(window.report);
    const what = `an accumulator of the report ${window.report} has ${bytes} bytes`;
    this.#parts.log.warn(
      window,
      `${what}, more than NATS takes: the cluster does without such ones`,
    );
  }

  #warnOfDamage(row: RowName, error: DamagedRow): void {
    this.#damagedRows++;
    const text = 'a damaged row of a report was not published to the cluster';
    this.#parts.log.warn(row, `${text}: ${messageOf(error)}`);
  }

  /** Up to where all final rows are published once those that are taken by now are. */
  #marksAt(finalThrough: number): Record<PeriodName, number> {
    const at = (period: PeriodName): number =>
      Math.min(finalThrough, this.#pending.firstFresh(period, this.#marks[period]));
    return { ms10: at('ms10'), sec: at('sec'), min: at('min') };
  }
}

const noBytes = new Uint8Array();
