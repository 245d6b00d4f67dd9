/**
 * The publisher of a node's reports: which of their rows the cluster still lacks, one message at a
 * time, beside the publisher of the counts.
 *
 * Invariants:
 * - only what the store holds, and what is on the disk for certain, is published: rows are read
 *   from a snapshot, and sent when an fsync covers that snapshot. So no later boot of the folder
 *   has less than what was published, and nothing has to be voided after a power cut;
 * - in memory there are spans of time, not accumulators;
 * - a row is pending from before its write until a message with it is acknowledged, and the meta
 *   row says from when on rows may be pending, in the very write that changes them.
 */
import { alignDown, type Clock, largestTime, type PeriodName, periodNames, sec } from '@reto3/core';
import { type PublishedReports, rowMsOf } from '@reto3/engine';
import type { NodeReport } from './node-report.ts';
import type { Outlet, PublisherSource } from './publisher.ts';
import { Pump } from './pump.ts';
import type { Rows } from './read-message.ts';
import {
  encodeReportMessage,
  headBytes,
  inParts,
  type PublishedWindow,
  windowHeadBytes,
} from './report-message.ts';
import { PendingRows, type RowName, type RowSpan } from './report-pending.ts';
import { type LeftOut, readWindows } from './report-windows.ts';

/** What this boot says of itself in every message. */
export interface ReportBoot {
  readonly boot: number;
  readonly lineage: number;
  readonly voids: number;
}

export interface ReportPublisherEvents extends LeftOut {
  failed(error: unknown): void;
  recovered(): void;
}

export interface ReportPublisherState {
  readonly messages: number;
  readonly bytes: number;
  readonly failures: number;
  readonly windowsTooLarge: number;
  readonly damagedRows: number;
  /** Whether there are rows that the cluster lacks. */
  readonly pending: boolean;
}

/** About so many bytes are read before they are sent, and lie in one message. */
const batchBytes = 256 << 10;
/** After a start nobody is made to wait for rows that are older than this. */
const waitedForMs = 180_000;

/** Of what is read once more, everything was told of before. */
const quietly: LeftOut = { damaged: () => undefined, tooLarge: () => undefined };

/** Rows that were read, on their way. */
interface Batch {
  readonly revision: number;
  readonly windows: readonly PublishedWindow[];
  readonly marks: Readonly<Record<PeriodName, number>>;
  /** Whether it holds what may not be on the disk yet. */
  readonly unsynced: boolean;
}

export class ReportPublisher {
  readonly #node: string;
  readonly #source: PublisherSource;
  readonly #clock: Clock;
  readonly #events: ReportPublisherEvents;
  readonly #said: () => readonly NodeReport[];
  readonly #pending: PendingRows;
  /** The next write of the store sets it going again after a failure. */
  readonly #pump: Pump;
  readonly #leftOut: LeftOut = {
    damaged: (row, reason) => {
      this.#damagedRows++;
      this.#events.damaged(row, reason);
    },
    tooLarge: (window, bytes) => {
      this.#windowsTooLarge++;
      this.#events.tooLarge(window, bytes);
    },
  };
  #published: PublishedReports | undefined;
  #syncedWrites = 0;
  #finalThrough = 0;
  #marks: Record<PeriodName, number> = { ms10: 0, sec: 0, min: 0 };
  #boot: ReportBoot | undefined;
  #outlet: Outlet | undefined;
  #mostBytes = batchBytes;
  /** What the merger was told of the reports last, as JSON. */
  #told: string | undefined;
  #batch: Batch | undefined;
  #messages = 0;
  #bytes = 0;
  #failing = false;
  #failures = 0;
  #windowsTooLarge = 0;
  #damagedRows = 0;

  /** @param parts `said`: all reports of the node, as they are now */
  constructor(parts: {
    readonly node: string;
    readonly source: PublisherSource;
    readonly clock: Clock;
    readonly published: PublishedReports | undefined;
    readonly said: () => readonly NodeReport[];
    readonly events: ReportPublisherEvents;
  }) {
    this.#node = parts.node;
    this.#source = parts.source;
    this.#clock = parts.clock;
    this.#published = parts.published;
    this.#said = parts.said;
    this.#events = parts.events;
    this.#pending = new PendingRows(parts.clock);
    this.#pump = new Pump(
      parts.clock,
      () => this.#due(),
      () => this.#step(false),
    );
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
    this.#pump.work();
  }

  /** All writes up to that number are on the disk. */
  synced(write: number): void {
    this.#syncedWrites = Math.max(this.#syncedWrites, write);
    this.#pending.synced(write);
    this.#pump.work();
  }

  /** How far it has come, for the meta row; undefined where nothing was ever published. */
  published(): PublishedReports | undefined {
    if (this.#published === undefined) return undefined;
    if (this.#boot === undefined) {
      // Nothing goes out before it begins, and what comes until then is pending like the rest.
      const through = Math.min(this.#published.through, this.#pending.oldest);
      return { ...this.#published, through };
    }
    this.#published = { ...this.#published, through: this.#pending.oldest };
    return this.#published;
  }

  /** Which folder this is, for the meta row: written down before the first message of a boot. */
  announce(boot: number, forked: boolean): void {
    const before = forked ? undefined : this.#published;
    // What is older mergers read: they do not know this folder yet.
    const through = Math.max(0, this.#clock.read().wallMs - waitedForMs);
    const { lineage, voids } = before ?? { lineage: boot, voids: forked ? boot : 0 };
    // A wrong clock may have put earlier boots ahead of this one: what they void, it voids.
    this.#published = {
      lineage,
      voids: Math.min(voids, boot),
      through: before?.through ?? through,
    };
  }

  /**
   * Begins, or goes on as another boot. Before this nothing is published.
   * @param mostBytes how large a message may be
   */
  begin(boot: number, outlet: Outlet, mostBytes: number): void {
    const { lineage, voids, through } = this.#published ?? { lineage: boot, voids: 0, through: 0 };
    const isNew = this.#boot?.boot !== boot;
    this.#boot = { boot, lineage, voids };
    this.#outlet = outlet;
    this.#mostBytes = Math.min(batchBytes, mostBytes - headBytes);
    this.#told = undefined;
    if (isNew)
      for (const { name, periods: kept } of this.#said())
        for (const period of kept) this.#pending.addFresh(name, period, through);
    this.#pump.work();
  }

  /** NATS is back: what failed is tried at once. */
  retry(): void {
    this.#pump.retry();
  }

  /** Holds back all messages until it begins anew. */
  hold(): void {
    this.#outlet = undefined;
  }

  /** What the reports of the node are, in a message. @throws Error where nothing may be published */
  async readReports(): Promise<Rows> {
    const snapshot = this.#source.stored();
    const { revision } = snapshot;
    await snapshot.close();
    return { message: this.#encode(revision, [], this.#said()), next: undefined };
  }

  /**
   * The windows of a span that are on the disk, in a message, and from which on to read the rest.
   * @throws Error where nothing may be published
   */
  async read({ report, period, from, to }: RowSpan): Promise<Rows> {
    const windows: PublishedWindow[] = [];
    let bytes = 0;
    let next: number | undefined;
    const snapshot = this.#source.stored();
    try {
      const span = { report, period, from: alignDown(from, rowMsOf(period)), to };
      for await (const row of readWindows(snapshot, span, this.#mostBytes, quietly)) {
        // It comes by itself once it is there.
        if (this.#pending.mayBeUnsynced({ report, period, start: row.start })) continue;
        for (const window of row.windows) {
          if (window.start < from) continue;
          bytes += window.bytes.length + windowHeadBytes;
          if (windows.length > 0 && bytes > this.#mostBytes) next = window.start;
          if (next !== undefined) break;
          windows.push(window);
        }
        if (next !== undefined) break;
      }
      return { message: this.#encode(snapshot.revision, windows), next };
    } finally {
      await snapshot.close();
    }
  }

  get state(): ReportPublisherState {
    return {
      messages: this.#messages,
      bytes: this.#bytes,
      failures: this.#failures,
      windowsTooLarge: this.#windowsTooLarge,
      damagedRows: this.#damagedRows,
      pending: this.#pending.oldest < largestTime,
    };
  }

  /** Publishes what is new, and ends; gives up when the time is over. */
  async stop(withinMs: number): Promise<void> {
    const deadline = this.#clock.read().monotonicMs + withinMs;
    await this.#pump.stop();
    // The last write of a server ends on the disk, so nothing has to be waited for.
    while (this.#outlet !== undefined && this.#clock.read().monotonicMs < deadline) {
      const all = !this.#pending.hasFresh(this.#finalThrough, true) && !this.#untold;
      if (this.#batch === undefined && all) break;
      if (!(await this.#step(true))) break;
    }
  }

  #beginMarks(finalThrough: number): void {
    const oldest = Math.max(finalThrough - waitedForMs, 0);
    const from = Math.max(oldest, Math.min(finalThrough, this.#pending.oldest));
    this.#marks = { ms10: from, sec: from, min: from };
  }

  #due(): boolean {
    if (this.#outlet === undefined || this.#boot === undefined) return false;
    const batch = this.#batch;
    if (batch !== undefined) return !batch.unsynced || batch.revision <= this.#syncedWrites;
    if (this.#untold || this.#markDue()) return true;
    return this.#pending.hasFresh(this.#finalThrough, false);
  }

  /** Whether the merger does not know yet what the reports are now. */
  get #untold(): boolean {
    return this.#told !== JSON.stringify(this.#said());
  }

  /** Whether a second is over in which nothing came, so that only this is to be said. */
  #markDue(): boolean {
    const over = alignDown(this.#finalThrough, sec.windowMs);
    return (
      this.#said().some(({ running }) => running) && this.#marksAt(over).ms10 > this.#marks.ms10
    );
  }

  /** Reads a batch, or sends the one that was read. Returns whether it succeeded. Never throws. */
  async #step(all: boolean): Promise<boolean> {
    const batch = this.#batch;
    try {
      if (batch === undefined) {
        this.#batch = await this.#read(all);
      } else {
        await this.#send(batch);
        if (this.#failing) this.#events.recovered();
        this.#failing = false;
        this.#batch = undefined;
        this.#pending.acknowledged();
      }
      return true;
    } catch (error) {
      this.#pending.failed();
      this.#batch = undefined;
      this.#failures++;
      this.#failing = true;
      this.#events.failed(error);
      return false;
    }
  }

  async #read(all: boolean): Promise<Batch> {
    // Both before the snapshot: what is final in it may be more, never less, and what changes while
    // it is read is pending anew.
    const finalThrough = this.#finalThrough;
    const asked = this.#pending.take(finalThrough, all);
    const windows: PublishedWindow[] = [];
    let bytes = 0;
    let unsynced = false;
    const snapshot = this.#source.stored();
    try {
      const { revision } = snapshot;
      for (const span of asked) {
        const { report, period } = span;
        if (bytes >= batchBytes) {
          this.#pending.putBack(span, span.from);
          continue;
        }
        for await (const row of readWindows(snapshot, span, this.#mostBytes, this.#leftOut)) {
          unsynced ||= this.#pending.mayBeUnsynced({ report, period, start: row.start });
          windows.push(...row.windows);
          bytes += row.bytes;
          if (bytes < batchBytes) continue;
          this.#pending.putBack(span, row.start + rowMsOf(period));
          break;
        }
      }
      return { revision, windows, marks: this.#marksAt(finalThrough), unsynced };
    } finally {
      await snapshot.close();
    }
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

  /** @throws Error where nothing may be published */
  #encode(
    revision: number,
    windows: readonly PublishedWindow[],
    reports?: readonly NodeReport[],
  ): Uint8Array {
    const boot = this.#boot;
    if (boot === undefined || this.#outlet === undefined) throw new Error('it may not publish now');
    const marks = { ms10: 0, sec: 0, min: 0 };
    return encodeReportMessage({ ...boot, revision, marks, reports, windows }, this.#node);
  }

  async #send({ revision, windows, marks }: Batch): Promise<void> {
    const [boot, outlet] = [this.#boot, this.#outlet];
    if (boot === undefined || outlet === undefined) throw new Error('it may not publish now');
    const reports = this.#said();
    const told = JSON.stringify(reports);
    const parts = inParts(windows, this.#mostBytes);
    for (const [index, part] of parts.entries()) {
      const last = index === parts.length - 1;
      const bytes = encodeReportMessage(
        {
          ...boot,
          revision,
          marks: last ? marks : this.#marks,
          reports: index === 0 && told !== this.#told ? reports : undefined,
          windows: part,
        },
        this.#node,
      );
      await outlet.publish(bytes);
      this.#messages++;
      this.#bytes += bytes.length;
      this.#told = told;
    }
    this.#marks = { ...marks };
  }
}
