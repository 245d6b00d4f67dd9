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
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { alignDown, min, type PeriodName, periodNames, periods, sec } from '../period.ts';
import { DamagedRow } from '../store/codec.ts';
import { largestTime } from '../store/keys.ts';
import { decodeMeta, type PublishedReports } from '../store/meta.ts';
import { decodeRow, parseKey, rowMsOf, rowRange } from '../store/report-rows.ts';
import type { StoreSnapshot } from '../store/store.ts';
import type { Outlet, PublisherSource } from './publisher.ts';
import { Pump } from './pump.ts';
import { encodeReportMessage, type NodeReport, type PublishedWindow } from './report-message.ts';
import { Spans } from './spans.ts';

/** A row of a report, as it is named in the store. */
export interface RowName {
  readonly report: string;
  readonly period: PeriodName;
  /** Epoch ms. */
  readonly start: number;
}

/** What this boot says of itself in every message. */
export interface ReportBoot {
  readonly boot: number;
  readonly lineage: number;
  readonly voids: number;
}

export interface ReportPublisherEvents {
  failed(error: unknown): void;
  damaged(row: RowName, reason: string): void;
  /** A window is larger than NATS takes, and left out. */
  tooLarge(window: RowName, bytes: number): void;
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

/** A minute's row that is not over is not worth more: it may be large, and is sent as a whole. */
const openMinuteEveryMs = 5_000;
/** About so many bytes are read before they are sent, and lie in one message. */
const batchBytes = 256 << 10;
/** What a message has beside the accumulators, and a window beside its own: more than enough. */
const headBytes = 512;
const windowHeadBytes = 64;
/** After a start nobody is made to wait for rows that are older than this. */
const waitedForMs = 180_000;

/** The rows of one report and period. */
interface Lane {
  readonly report: string;
  readonly period: PeriodName;
  /** What is new: the mark waits for it. */
  readonly fresh: Spans;
  /** What was published before, perhaps. */
  readonly again: Spans;
  /** When what is new was last read, monotonic ms. */
  freshReadAt: number;
}

/** A stretch of time of a lane of which a message is under way. */
interface Taken {
  readonly spans: Spans;
  readonly from: number;
  to: number;
}

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
  readonly #lanes = new Map<string, Lane>();
  /** The next write of the store sets it going again after a failure. */
  readonly #pump: Pump;
  #published: PublishedReports | undefined;
  /** Rows of the write that is under way, or of one that failed and comes again. */
  #writing: RowName[] = [];
  /** The last write of each row that changed since the last fsync. */
  readonly #unsynced = new Map<string, number>();
  #syncedWrites = 0;
  #finalThrough = 0;
  #marks: Record<PeriodName, number> = { ms10: 0, sec: 0, min: 0 };
  #boot: ReportBoot | undefined;
  #outlet: Outlet | undefined;
  #mostBytes = batchBytes;
  /** What the merger was told of the reports last, as JSON. */
  #told: string | undefined;
  #batch: Batch | undefined;
  /** Of what is read or sent: pending until it is acknowledged. */
  #taken: Taken[] = [];
  #turn = 0;
  #messages = 0;
  #bytes = 0;
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
    this.#pump = new Pump(
      parts.clock,
      () => this.#due(),
      () => this.#step(false),
    );
  }

  /** These rows are about to be written. */
  writing(rows: readonly RowName[]): void {
    this.#writing.push(...rows);
  }

  /** A write is done. @param finalThrough up to where it holds all that is final of the reports */
  written(write: number, finalThrough: number): void {
    for (const row of this.#writing) {
      const rowMs = rowMsOf(row.period);
      this.#laneOf(row.report, row.period).fresh.add(row.start, row.start + rowMs);
      this.#unsynced.set(nameOf(row), write);
    }
    this.#writing = [];
    if (this.#finalThrough === 0) this.#beginMarks(finalThrough);
    this.#finalThrough = Math.max(this.#finalThrough, finalThrough);
    this.#pump.work();
  }

  /** All writes up to that number are on the disk. */
  synced(write: number): void {
    this.#syncedWrites = Math.max(this.#syncedWrites, write);
    for (const [name, last] of this.#unsynced) if (last <= write) this.#unsynced.delete(name);
    this.#pump.work();
  }

  /** How far it has come, for the meta row; undefined where nothing was ever published. */
  published(): PublishedReports | undefined {
    if (this.#published === undefined) return undefined;
    if (this.#boot === undefined) {
      // Nothing goes out before it begins, and what comes until then is pending like the rest.
      const through = Math.min(this.#published.through, this.#oldestPending);
      return { ...this.#published, through };
    }
    this.#published = { ...this.#published, through: this.#oldestPending };
    return this.#published;
  }

  /** Which folder this is, for the meta row: written down before the first message of a boot. */
  announce(boot: number, forked: boolean): void {
    const before = forked ? undefined : this.#published;
    this.#published = before ?? { lineage: boot, voids: forked ? boot : 0, through: 0 };
  }

  /**
   * Begins, or goes on as another boot. Before this nothing is published.
   * @param options `everything`: whether to publish again all that the store holds; `mostBytes`:
   * how large a message may be
   */
  begin(
    boot: number,
    outlet: Outlet,
    options: { readonly everything: boolean; readonly mostBytes: number },
  ): void {
    const { lineage, voids, through } = this.#published ?? { lineage: boot, voids: 0, through: 0 };
    const isNew = this.#boot?.boot !== boot;
    this.#boot = { boot, lineage, voids };
    this.#outlet = outlet;
    this.#mostBytes = Math.min(batchBytes, options.mostBytes - headBytes);
    this.#told = undefined;
    for (const { name, periods: kept } of this.#said()) {
      for (const period of kept) {
        const lane = this.#laneOf(name, period);
        if (options.everything) lane.again.add(0, largestTime);
        else if (isNew) lane.fresh.add(through, largestTime);
      }
    }
    this.#pump.work();
  }

  /** Holds back all messages until it begins anew. */
  hold(): void {
    this.#outlet = undefined;
  }

  /** Publishes again what the store holds from that time on, epoch ms. */
  again(since: number): void {
    this.#told = undefined;
    for (const { name, periods: kept } of this.#said())
      for (const period of kept)
        this.#laneOf(name, period).again.add(alignDown(since, rowMsOf(period)), largestTime);
    this.#pump.work();
  }

  get state(): ReportPublisherState {
    return {
      messages: this.#messages,
      bytes: this.#bytes,
      failures: this.#failures,
      windowsTooLarge: this.#windowsTooLarge,
      damagedRows: this.#damagedRows,
      pending: this.#oldestPending < largestTime,
    };
  }

  /** Publishes what is new, and ends; gives up when the time is over. */
  async stop(withinMs: number): Promise<void> {
    const deadline = this.#clock.read().monotonicMs + withinMs;
    await this.#pump.stop();
    // The last write of a server ends on the disk, so nothing has to be waited for.
    while (this.#outlet !== undefined && this.#clock.read().monotonicMs < deadline) {
      const all = this.#freshLanes(true).length === 0 && !this.#untold;
      if (this.#batch === undefined && all) break;
      if (!(await this.#step(true))) break;
    }
  }

  get #oldestPending(): number {
    let oldest = largestTime;
    for (const { fresh, again } of this.#lanes.values())
      oldest = Math.min(oldest, fresh.oldest, again.oldest);
    for (const { start } of this.#writing) oldest = Math.min(oldest, start);
    for (const { from, to } of this.#taken) if (from < to) oldest = Math.min(oldest, from);
    return oldest;
  }

  #laneOf(report: string, period: PeriodName): Lane {
    const name = `${report}/${period}`;
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = { report, period, fresh: new Spans(), again: new Spans(), freshReadAt: -Infinity };
      this.#lanes.set(name, lane);
    }
    return lane;
  }

  #beginMarks(finalThrough: number): void {
    const oldest = Math.max(finalThrough - waitedForMs, 0);
    const from = Math.max(oldest, Math.min(finalThrough, this.#oldestPending));
    this.#marks = { ms10: from, sec: from, min: from };
  }

  #due(): boolean {
    if (this.#outlet === undefined || this.#boot === undefined) return false;
    const batch = this.#batch;
    if (batch !== undefined) return !batch.unsynced || batch.revision <= this.#syncedWrites;
    if (this.#untold || this.#freshLanes(false).length > 0 || this.#markDue()) return true;
    return [...this.#lanes.values()].some(({ again }) => !again.empty);
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

  /** @param all also what may wait */
  #freshLanes(all: boolean): Lane[] {
    const { monotonicMs } = this.#clock.read();
    return [...this.#lanes.values()].filter(({ period, fresh, freshReadAt }) => {
      if (fresh.empty) return false;
      if (all || period !== 'min' || monotonicMs - freshReadAt >= openMinuteEveryMs) return true;
      return fresh.oldest + min.windowMs <= this.#finalThrough;
    });
  }

  /** Reads a batch, or sends the one that was read. Returns whether it succeeded. Never throws. */
  async #step(all: boolean): Promise<boolean> {
    const batch = this.#batch;
    try {
      if (batch === undefined) {
        this.#batch = await this.#read(all);
      } else {
        await this.#send(batch);
        this.#batch = undefined;
        this.#taken = [];
      }
      return true;
    } catch (error) {
      for (const { spans, from, to } of this.#taken) spans.add(from, to);
      this.#taken = [];
      this.#batch = undefined;
      this.#failures++;
      this.#events.failed(error);
      return false;
    }
  }

  async #read(all: boolean): Promise<Batch> {
    // Both before the snapshot: what is final in it may be more, never less, and what changes while
    // it is read is pending anew.
    const finalThrough = this.#finalThrough;
    const asked = this.#takeSpans(all);
    const windows: PublishedWindow[] = [];
    let bytes = 0;
    let unsynced = false;
    const snapshot = this.#source.stored();
    try {
      const meta = await snapshot.text('meta');
      const revision = meta === undefined ? 0 : decodeMeta(meta).writes;
      for (const { lane, taken } of asked) {
        const { report, period } = lane;
        if (bytes >= batchBytes) {
          this.#putBack(taken, taken.from);
          continue;
        }
        for await (const row of this.#rows(snapshot, lane, taken)) {
          unsynced ||= this.#mayBeUnsynced({ report, period, start: row.start });
          windows.push(...row.windows);
          bytes += row.bytes;
          if (bytes < batchBytes) continue;
          this.#putBack(taken, row.start + rowMsOf(period));
          break;
        }
      }
      return { revision, windows, marks: this.#marksAt(finalThrough), unsynced };
    } finally {
      await snapshot.close();
    }
  }

  /** Takes what is pending of what is due; it counts as pending until it is acknowledged. */
  #takeSpans(all: boolean): { readonly lane: Lane; readonly taken: Taken }[] {
    const fresh = this.#freshLanes(all);
    const lanes = fresh.length > 0 ? fresh : [...this.#lanes.values()];
    const asked: { lane: Lane; taken: Taken }[] = [];
    for (const lane of lanes) {
      const spans = fresh.length > 0 ? lane.fresh : lane.again;
      if (fresh.length > 0) lane.freshReadAt = this.#clock.read().monotonicMs;
      for (let span = spans.takeOldest(Infinity); span; span = spans.takeOldest(Infinity)) {
        const taken = { spans, ...span };
        asked.push({ lane, taken });
        this.#taken.push(taken);
      }
    }
    return asked;
  }

  /** What was taken and not read is taken another time. */
  #putBack(taken: Taken, from: number): void {
    taken.spans.add(from, taken.to);
    taken.to = Math.max(taken.from, Math.min(taken.to, from));
  }

  #mayBeUnsynced(row: RowName): boolean {
    const name = nameOf(row);
    return this.#unsynced.has(name) || this.#writing.some((writing) => nameOf(writing) === name);
  }

  async *#rows(
    snapshot: StoreSnapshot,
    { report, period }: Lane,
    { from, to }: { readonly from: number; readonly to: number },
  ): AsyncGenerator<{ start: number; bytes: number; windows: PublishedWindow[] }> {
    for await (const [key, stored] of snapshot.reports(rowRange(report, period, from, to))) {
      const named = parseKey(key);
      if (named === undefined || 'facts' in named) continue;
      const { start } = named;
      const windows: PublishedWindow[] = [];
      let bytes = 0;
      try {
        const row = decodeRow(stored, key, period);
        for (const [index, encoded] of row.windows) {
          const window = { report, period, start: start + index * periods[period].windowMs };
          const fits = encoded.length + windowHeadBytes <= this.#mostBytes;
          if (!fits) {
            this.#windowsTooLarge++;
            this.#events.tooLarge(window, encoded.length);
          }
          windows.push({
            ...window,
            bytes: fits ? encoded : new Uint8Array(),
            tooLarge: fits ? 0 : encoded.length,
            partial: row.partial,
          });
          bytes += encoded.length + windowHeadBytes;
        }
      } catch (error) {
        if (!(error instanceof DamagedRow)) throw error;
        this.#damagedRows++;
        this.#events.damaged({ report, period, start }, messageOf(error));
      }
      yield { start, bytes, windows };
    }
  }

  /** Up to where all that is final is published, once what was taken by now is. */
  #marksAt(finalThrough: number): Record<PeriodName, number> {
    const marks = { ...this.#marks };
    for (const period of periodNames) {
      let mark = finalThrough;
      for (const { period: ofLane, fresh } of this.#lanes.values())
        if (ofLane === period) mark = Math.min(mark, fresh.firstFrom(marks[period]));
      marks[period] = Math.max(marks[period], mark);
    }
    return marks;
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
      // One id for each attempt: what comes twice changes nothing.
      this.#turn++;
      await outlet.publish(bytes, `${this.#node}.${boot.boot}.reports.${this.#turn}`);
      this.#messages++;
      this.#bytes += bytes.length;
      this.#told = told;
    }
    this.#marks = { ...marks };
  }
}

function nameOf({ report, period, start }: RowName): string {
  return `${report}/${period}/${start}`;
}

/** In pieces that a message has place for; one at least. */
function inParts(windows: readonly PublishedWindow[], mostBytes: number): PublishedWindow[][] {
  const parts: PublishedWindow[][] = [[]];
  let bytes = 0;
  for (const window of windows) {
    const windowBytes = window.bytes.length + windowHeadBytes;
    if (bytes > 0 && bytes + windowBytes > mostBytes) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(window);
    bytes += windowBytes;
  }
  return parts;
}
