/**
 * A merger's store: a data folder of its own inside the server's, with blocks as in any other, and the
 * parts that they are the sum of. A damaged row is left out, and the node may have its contents. The
 * rest stays, since nodes that have left cannot publish again. So the sums stay even if the record
 * of the nodes is damaged; the nodes are then known again as they publish.
 *
 * Invariants:
 * - one batch writes a block, its parts, and the number of the last message that they hold;
 * - one batch is in progress at a time, so that each has its own number, which then is the anchor's.
 */
import { randomUUID } from 'node:crypto';
import {
  alignDown,
  allocateWindows,
  type Clock,
  copyOf,
  joinWindows,
  largestTime,
  min,
  ms10,
  overwrite,
  type Period,
  type PeriodName,
  Reto3Error,
  sec,
  type Windows,
} from '@reto3/core';
import {
  type Anchor,
  allTime,
  type Change,
  type CountsView,
  type Expired,
  type Expiring,
  formatVersion,
  HeldFolder,
  mergerFolderOf,
  newMeta,
  openMergersFailure,
  rowRange,
  type Store,
  type StoreSnapshot,
  VerifiedSnapshot,
} from '@reto3/engine';
import { Minute } from '@reto3/engine/ring';
import { decodeMergeRecord, encodeMergeRecord, type MergeRecord } from './merge-record.ts';
import type { MergedMinute, StoredMinutes } from './merged-minute.ts';
import { type MergedReports, reportNames, type StoredParts } from './merged-reports.ts';
import { nodeView, type PartsOfNode } from './node-view.ts';
import { Part, partName } from './part.ts';

type Ends = Pick<CountsView, 'finalThrough' | 'newestEnd'>;

export class MergedStore implements StoredMinutes, StoredParts, Expiring {
  readonly #store: Store;
  readonly #anchor: Anchor;
  #meta = newMeta('cluster');
  #record: MergeRecord | undefined;
  #failing = false;
  #writing: Promise<unknown> = Promise.resolve();
  #isDamaged = false;
  #onDamage: (node: string, start: number, what: string) => void = () => undefined;

  private constructor(store: Store, anchor: Anchor) {
    this.#store = store;
    this.#anchor = anchor;
  }

  /** @throws Reto3Error if the folder cannot be opened, or is a server's */
  static async open(dataDir: string, clock: Clock): Promise<MergedStore> {
    const folder = new HeldFolder(mergerFolderOf(dataDir), 'merger');
    const store = await folder.openStore().catch((error: unknown) => {
      throw openMergersFailure(error);
    });
    try {
      const merged = new MergedStore(store, folder.anchor);
      await merged.#load(clock);
      return merged;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** The record of the last save; undefined if there is none. */
  get record(): MergeRecord | undefined {
    return this.#record;
  }

  /** Whether its record, or its list of what is deleted, was lost to damage. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  /** See `Expiring`. */
  get endBefore(): number {
    return this.#record?.finalThrough ?? 0;
  }

  part(start: number, node: string): Part | 'damaged' | undefined {
    const bytes = this.#store.readPart(start, node);
    if (bytes === undefined) return undefined;
    const part = Part.decode(bytes, partName(start, node));
    if (part === undefined) this.#onDamage(node, start, 'its part of a minute');
    return part ?? 'damaged';
  }

  names(start: number): Iterable<string> {
    const nodes = this.#record?.nodes ?? [];
    // A record of an earlier version does not say it.
    const may = nodes.filter(({ newestEnd = largestTime }) => newestEnd > start);
    return may.map(({ name }) => name);
  }

  block(start: number): Windows | undefined {
    return this.#block(ms10, start);
  }

  /** Sets the listener for damaged rows, by node and start, epoch ms. */
  onDamage(listener: (node: string, start: number, what: string) => void): void {
    this.#onDamage = listener;
  }

  /** Runs work that writes, once that before it has ended. */
  alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#writing.then(work);
    this.#writing = result.catch(() => undefined);
    return result;
  }

  /** Opens the store again if the last save failed. */
  async prepare(): Promise<void> {
    if (this.#failing) await this.#store.reopen(this.#meta);
    this.#failing = false;
  }

  /**
   * Writes the rows that the store lacks, with an fsync; call it `alone`. It takes them before it
   * returns, so they may change meanwhile. A save that failed may be repeated.
   */
  async save(
    minutes: readonly MergedMinute[],
    reports: MergedReports,
    record: MergeRecord,
  ): Promise<void> {
    const taken = [reports.takeUnsaved(), ...minutes.map((minute) => minute.takeUnsaved())];
    try {
      const changes = taken.flatMap((rows) => rows.changes);
      changes.push(...this.#enlarge(sec, minutes), ...this.#enlarge(min, minutes));
      await this.#put([...changes, { merge: encodeMergeRecord(record) }]);
      this.#record = record;
    } catch (error) {
      for (const rows of taken) rows.putBack();
      this.#failing = true;
      throw error;
    }
  }

  /** The starts of all minutes from then on (epoch ms) with a block. */
  async *minutesFrom(from: number): AsyncGenerator<number> {
    const snapshot = this.#store.snapshot();
    try {
      const range = { from: alignDown(from, ms10.blockMs), to: allTime.to };
      yield* snapshot.starts('ms10', range);
    } finally {
      await snapshot.close();
    }
  }

  /** All counts, with the minutes in memory laid over the store. To be closed. */
  view(minutes: readonly MergedMinute[], ends: Ends): CountsView {
    const { deletedBefore } = this.#meta;
    return {
      ...ends,
      oldest: 0,
      minutes: minutes.map(
        (minute) =>
          new Minute(minute.start, {
            ms10: copyOf(minute.ms10),
            sec: copyOf(minute.sec),
            min: copyOf(minute.min),
          }),
      ),
      store: new VerifiedSnapshot(this.#store.snapshot(), deletedBefore),
      deletedBefore,
    };
  }

  /** The counts of one node, as far back as there are ms10 windows. To be closed. */
  viewOfNode(node: PartsOfNode, minutes: readonly MergedMinute[], ends: Ends): CountsView {
    const snapshot = this.#store.snapshot();
    return nodeView(node, { snapshot, minutes, keptFrom: this.keptFrom, ends });
  }

  /** The end of the ms10 windows, and parts, that are deleted; epoch ms. */
  get keptFrom(): number {
    return this.#meta.deletedBefore.ms10;
  }

  /** The start of the oldest ms10 windows, epoch ms; `largestTime` if there are none. */
  async oldest(): Promise<number> {
    return Math.max(this.keptFrom, (await this.#store.oldest('ms10')) ?? largestTime);
  }

  async expired(period: PeriodName): Promise<Expired> {
    return { before: this.#meta.deletedBefore[period], oldest: await this.#store.oldest(period) };
  }

  async deleteBefore(period: PeriodName, beforeMs: number): Promise<void> {
    const deletedBefore = { ...this.#meta.deletedBefore, [period]: beforeMs };
    this.#meta = { ...this.#meta, deletedBefore };
    // Saves need not wait for the rest, which may take long.
    await this.alone(() => this.#put([]));
    await this.#store.deleteBefore(period, beforeMs);
    if (period === 'ms10') await this.#store.deletePartsBefore(beforeMs);
    for (const name of reportNames(this.#record?.reports ?? []))
      await this.#store.deleteReports(rowRange(name, period, 0, beforeMs));
  }

  /** The end of what is deleted of each period, epoch ms. */
  get deletedBefore(): Readonly<Record<PeriodName, number>> {
    return this.#meta.deletedBefore;
  }

  damagedReport(node: string, start: number, report: string): void {
    this.#onDamage(node, start, `its row of the report ${report}`);
  }

  readReport(key: Uint8Array): Uint8Array | undefined {
    return this.#store.readReport(key);
  }

  /** A fixed view of all stored rows; to be closed. */
  snapshot(): StoreSnapshot {
    return this.#store.snapshot();
  }

  async close(): Promise<void> {
    this.#meta = { ...this.#meta, clean: true };
    await this.alone(async () => {
      if (!this.#failing) await this.#put([]);
    });
    await this.#store.close();
  }

  async #load(clock: Clock): Promise<void> {
    const meta = await this.#store.readMeta().catch((error: unknown) => {
      if (!(error instanceof Reto3Error) || error.code !== 'RETO3_DATA_CORRUPT') throw error;
      this.#isDamaged = true;
      return undefined;
    });
    const text = await this.#store.readMerge();
    if (text !== undefined) this.#record = decodeMergeRecord(text, clock.read().monotonicMs);
    this.#isDamaged ||= text !== undefined && this.#record === undefined;
    const { boot, ...rest } = meta ?? newMeta('cluster');
    // `reopen` recognizes the folder by this boot.
    this.#meta = { ...rest, formatVersion, boot: boot + 1, bootId: randomUUID(), clean: false };
    await this.#put([]);
  }

  /** The blocks of a longer period with these minutes written over them. */
  #enlarge(period: Period, minutes: readonly MergedMinute[]): Change[] {
    const blocks = new Map<number, Windows>();
    for (const minute of minutes) {
      const start = alignDown(minute.start, period.blockMs);
      const windows =
        blocks.get(start) ?? this.#block(period, start) ?? this.#rebuilt(period, start);
      const counts = period === sec ? minute.sec : minute.min;
      overwrite(windows, (minute.start - start) / period.windowMs, counts);
      blocks.set(start, windows);
    }
    return [...blocks].map(([start, windows]) => ({ put: period.name, start, windows }));
  }

  /** Undefined if there is none, or it cannot be read. */
  #block(period: Period, start: number): Windows | undefined {
    return this.#store.readBlock(period.name, start, () => undefined);
  }

  /** A block of a longer period, made of the ms10 blocks. */
  #rebuilt(period: Period, start: number): Windows {
    const windows = allocateWindows(period.blockWindows);
    if (!this.#store.hasBlock(period.name, start)) return windows;
    const windowsPerOne = period.windowMs / ms10.windowMs;
    for (let minute = start; minute < start + period.blockMs; minute += ms10.blockMs) {
      const block = this.#block(ms10, minute);
      if (block === undefined) continue;
      overwrite(windows, (minute - start) / period.windowMs, joinWindows(block, windowsPerOne));
    }
    return windows;
  }

  async #put(changes: readonly Change[]): Promise<void> {
    const meta = { ...this.#meta, writes: this.#meta.writes + 1 };
    await this.#store.write([...changes, { meta }], { sync: true });
    this.#meta = { ...this.#meta, writes: meta.writes };
    await this.#anchor.write(meta.writes);
  }
}
