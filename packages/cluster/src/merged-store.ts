/**
 * A merger's store: a data folder of its own inside the server's, made of the same rows as any
 * other, and the parts that its blocks were added up from. A row that is damaged is left out, and
 * may come again from its node; the rest stays, since nodes that have left cannot publish again.
 *
 * Invariant: a block and the parts that it is the sum of are written in one batch, with the number
 * of the last message that they hold.
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
  type Meta,
  mergerFolderOf,
  newMeta,
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

export class MergedStore implements StoredMinutes, StoredParts, Expiring {
  readonly #store: Store;
  readonly #anchor: Anchor;
  readonly #clock: Clock;
  #meta: Meta;
  #record: MergeRecord | undefined;
  /** Of which there may be parts. */
  readonly #nodes = new Set<string>();
  #clockSteps: () => number = () => 0;
  #failing = false;
  #onDamage: (node: string, start: number, what: string) => void = () => undefined;
  readonly endBefore = 0;

  private constructor(store: Store, anchor: Anchor, clock: Clock, meta: Meta) {
    this.#store = store;
    this.#anchor = anchor;
    this.#clock = clock;
    this.#meta = meta;
  }

  /** @throws Reto3Error where the folder cannot be opened */
  static async open(dataDir: string, clock: Clock): Promise<MergedStore> {
    const folder = new HeldFolder(mergerFolderOf(dataDir));
    const store = await folder.openStore();
    try {
      const merged = new MergedStore(store, folder.anchor, clock, newMeta('cluster'));
      await merged.#load();
      return merged;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** What the last merger on this folder had come to; undefined: it is empty. */
  get record(): MergeRecord | undefined {
    return this.#record;
  }

  /** How often the wall clock has stepped: retention waits then. */
  countClockSteps(clockSteps: () => number): void {
    this.#clockSteps = clockSteps;
  }

  part(start: number, node: string): Part | 'damaged' | undefined {
    const bytes = this.#store.readPart(start, node);
    if (bytes === undefined) return undefined;
    const part = Part.decode(bytes, partName(start, node));
    if (part === undefined) this.#onDamage(node, start, 'its part of a minute');
    return part ?? 'damaged';
  }

  names(): Iterable<string> {
    return this.#nodes;
  }

  block(start: number): Windows | undefined {
    return this.#block(ms10, start);
  }

  /** Told of what is damaged, by node and minute, epoch ms: it may come again from the node. */
  onDamage(told: (node: string, start: number, what: string) => void): void {
    this.#onDamage = told;
  }

  /** Opens the store again if a save failed; to be called before the next. */
  async prepare(): Promise<void> {
    if (this.#failing) await this.#store.reopen(this.#meta);
    this.#failing = false;
  }

  /**
   * Writes what minutes lack in the store, on the disk. What is written is taken before this
   * returns: minutes may change meanwhile. A failed save may be repeated.
   */
  async save(
    minutes: readonly MergedMinute[],
    reports: MergedReports,
    record: MergeRecord,
  ): Promise<void> {
    const rows = reports.takeUnsaved();
    const changes: Change[] = [...rows];
    const taken: { readonly minute: MergedMinute; readonly nodes: readonly string[] }[] = [];
    for (const minute of minutes) {
      const parts = minute.takeUnsaved();
      taken.push({ minute, nodes: parts.map(([node]) => node) });
      for (const [node, part] of parts) {
        this.#nodes.add(node);
        const bytes = part.encode(partName(minute.start, node));
        changes.push({ part: node, start: minute.start, bytes });
      }
      changes.push({ put: 'ms10', start: minute.start, windows: minute.ms10 });
    }
    try {
      changes.push(...this.#enlarge(sec, minutes), ...this.#enlarge(min, minutes));
      await this.#put([...changes, { merge: encodeMergeRecord(record) }]);
      this.#record = record;
    } catch (error) {
      for (const { minute, nodes } of taken) minute.putBack(nodes);
      reports.putBack(rows);
      this.#failing = true;
      throw error;
    }
  }

  /** The starts of all minutes from then on (epoch ms) that there is a block of. */
  async *minutesFrom(from: number): AsyncGenerator<number> {
    const snapshot = this.#store.snapshot();
    try {
      const range = { from: alignDown(from, ms10.blockMs), to: allTime.to };
      for await (const { start } of snapshot.encodedRows('ms10', range)) yield start;
    } finally {
      await snapshot.close();
    }
  }

  /** Everything that can be read, with the minutes in memory laid over it. To be closed. */
  view(
    minutes: readonly MergedMinute[],
    ends: Pick<CountsView, 'finalThrough' | 'newestEnd'>,
  ): CountsView {
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

  /** The same of one node, as far back as there are ms10 windows. To be closed. */
  viewOfNode(
    node: PartsOfNode,
    minutes: readonly MergedMinute[],
    ends: Pick<CountsView, 'finalThrough' | 'newestEnd'>,
  ): CountsView {
    const snapshot = this.#store.snapshot();
    return nodeView(node, { snapshot, minutes, keptFrom: this.keptFrom, ends });
  }

  /** Forgets everything. */
  async empty(): Promise<void> {
    await this.#store.clear();
    this.#nodes.clear();
    this.#record = undefined;
    const { bootId = randomUUID(), writes } = this.#meta;
    this.#meta = { ...newMeta('cluster'), bootId, writes };
    await this.#put([]);
  }

  state(): { readonly clockSteps: number } {
    return { clockSteps: this.#clockSteps() };
  }

  /** Up to where ms10 windows, and the parts with them, are deleted; epoch ms. */
  get keptFrom(): number {
    return this.#meta.deletedBefore.ms10;
  }

  /** Where the oldest ms10 windows begin, epoch ms; the end of time where there are none. */
  async oldest(): Promise<number> {
    return Math.max(this.keptFrom, (await this.#store.oldest('ms10')) ?? largestTime);
  }

  async expired(period: PeriodName): Promise<Expired> {
    return { before: this.#meta.deletedBefore[period], oldest: await this.#store.oldest(period) };
  }

  async deleteBefore(period: PeriodName, beforeMs: number): Promise<void> {
    const deletedBefore = { ...this.#meta.deletedBefore, [period]: beforeMs };
    this.#meta = { ...this.#meta, deletedBefore };
    await this.#put([]);
    await this.#store.deleteBefore(period, beforeMs);
    if (period === 'ms10') await this.#store.deletePartsBefore(beforeMs);
    const reports = reportNames(this.#record?.reports ?? []);
    for (const name of reports)
      await this.#store.deleteReports(rowRange(name, period, 0, beforeMs));
  }

  /** Up to where each period is deleted, epoch ms. */
  get deletedBefore(): Readonly<Record<PeriodName, number>> {
    return this.#meta.deletedBefore;
  }

  damagedReport(node: string, start: number, report: string): void {
    this.#onDamage(node, start, `its row of the report ${report}`);
  }

  /** The row of a report under that key, as it is stored. */
  readReport(key: Uint8Array): Uint8Array | undefined {
    return this.#store.readReport(key);
  }

  /** A fixed view of all rows as they are stored; to be closed. */
  snapshot(): StoreSnapshot {
    return this.#store.snapshot();
  }

  async close(): Promise<void> {
    this.#meta = { ...this.#meta, clean: true };
    if (!this.#failing) await this.#put([]);
    await this.#store.close();
  }

  async #load(): Promise<void> {
    const meta = await this.#store.readMeta().catch(() => undefined);
    const text = await this.#store.readMerge();
    const now = this.#clock.read().monotonicMs;
    const record = text === undefined ? undefined : decodeMergeRecord(text, now);
    if (meta === undefined || record === undefined) {
      if (meta !== undefined) this.#meta = meta;
      await this.empty();
      return;
    }
    this.#meta = {
      ...meta,
      formatVersion,
      boot: meta.boot + 1,
      bootId: randomUUID(),
      clean: false,
    };
    this.#record = record;
    for (const { name } of record.nodes) this.#nodes.add(name);
    // A store that is opened again has to show this boot.
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

  /** Undefined where there is none, or none that can be read. */
  #block(period: Period, start: number): Windows | undefined {
    return this.#store.readBlock(period.name, start, () => undefined);
  }

  /** A block of a longer period, made of the ms10 windows that there are. */
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
