/**
 * The writer: puts the minutes in memory into the store, one write at a time.
 *
 * Every write carries the meta row, so the store always knows how many writes it has had and what
 * its open minutes add up to; whatever a later start does not find again is noticed. Values are
 * absolute: after a failure everything that is not closed is simply written once more.
 */
import type { MonotonicMs, PeriodName } from '@reto3/core';
import type { Minute } from '../ring/minute.ts';
import type { Anchor } from '../store/anchor.ts';
import type { Meta, Published } from '../store/meta.ts';
import type { Change, Store } from '../store/store.ts';
import type { Blocks } from './blocks.ts';
import { closeMinutes, isOver, journalRows } from './changes.ts';
import type { Companion } from './companion.ts';
import type { OpenMinutes } from './open-minutes.ts';

/** Whoever publishes what the store holds, and so has to know what that is. */
export interface Publishing {
  /** How far it has come, for the meta row of the next write. */
  published(): Published;
  /**
   * A write is done: its number, the starts of the seconds that it changed, and up to where it holds
   * everything that is final. Times in epoch ms.
   */
  written(write: number, changed: readonly number[], finalThrough: number): void;
  /** All writes up to that number are on the disk. */
  synced(write: number): void;
}

/** The anchor need not follow every fsync: it is there to notice that a file or a log is missing. */
const anchorEveryMs = 1_000;

export class Writer {
  readonly #store: Store;
  readonly #blocks: Blocks;
  readonly #anchor: Anchor;
  readonly #companion: Companion | undefined;
  #meta: Meta;
  /** The number that was given to a write last, whether it succeeded or not. */
  #lastWrite: number;
  #publishing: Publishing | undefined;
  #syncedWrites = 0;
  #anchoredWrites = 0;
  #anchoredAt: MonotonicMs | undefined;

  constructor(
    store: Store,
    blocks: Blocks,
    anchor: Anchor,
    meta: Meta,
    companion: Companion | undefined,
  ) {
    this.#store = store;
    this.#blocks = blocks;
    this.#anchor = anchor;
    this.#companion = companion;
    this.#meta = meta;
    this.#lastWrite = meta.writes;
  }

  /** Whether somebody is told of every write. */
  get isPublished(): boolean {
    return this.#publishing !== undefined;
  }

  /** Tells of every write from now on. */
  publishTo(publishing: Publishing): void {
    this.#publishing = publishing;
  }

  /** Puts on the disk how far the publishing has come. */
  async writePublished(cluster: Published): Promise<void> {
    await this.#put([], undefined, true, { cluster });
  }

  /** What the store says of itself since the last write that succeeded. */
  get meta(): Meta {
    return this.#meta;
  }

  /**
   * Writes what changed: journal rows of open minutes, blocks of those that are over.
   * @param nowMs wall time, epoch ms
   * @param options `finalThrough`: up to where the minutes hold everything that is final, epoch ms
   */
  async write(
    minutes: OpenMinutes,
    nowMs: number,
    options: { readonly sync: boolean; readonly finalThrough: number },
  ): Promise<void> {
    minutes.loadMissing();
    const changes: Change[] = [];
    const open: Minute[] = [];
    const over: Minute[] = [];
    const changed: number[] = [];
    for (const minute of minutes.all()) {
      if (!minute.unclosed) continue;
      changed.push(...minute.changedSeconds());
      if (isOver(minute, nowMs)) {
        over.push(minute);
      } else {
        open.push(minute);
        changes.push(...journalRows(minute));
      }
    }
    try {
      const { changes: closes, refused } = closeMinutes(over, this.#blocks);
      changes.push(...closes);
      // The journal holds them, as those that go on.
      for (const minute of refused) changes.push(...journalRows(minute));
      open.push(...refused);
      changes.push(...(this.#companion?.changes() ?? []));
      await this.#put(changes, open, options.sync, this.#unpublished(changed));
    } catch (error) {
      for (const minute of [...open, ...over]) minute.writeFailed();
      throw error;
    }
    const closing = over.filter((minute) => !open.includes(minute));
    for (const minute of open) minute.written({ closed: false });
    for (const minute of closing) {
      minute.written({ closed: true });
      minute.closedInWrite = this.#meta.writes;
    }
    this.#companion?.written(this.#meta.writes);
    this.#publishing?.written(this.#meta.writes, changed, options.finalThrough);
    if (options.sync) this.#publishing?.synced(this.#meta.writes);
  }

  /** How many writes are on the disk for certain. */
  get syncedWrites(): number {
    return this.#syncedWrites;
  }

  /** Puts on the disk what was written before this call; writes go on meanwhile. */
  async sync(): Promise<void> {
    const { writes } = this.#meta;
    await this.#store.sync();
    this.#syncedWrites = Math.max(this.#syncedWrites, writes);
    this.#publishing?.synced(writes);
  }

  /** The first write of a boot. */
  async begin(): Promise<void> {
    await this.#put([], undefined, true);
    await this.dropAnchor();
  }

  /** The last write: says that nothing is missing. */
  async markClean(): Promise<void> {
    await this.#put([], undefined, true, { clean: true });
    await this.dropAnchor();
  }

  /** Says up to where a period's blocks may be missing, before they are deleted. */
  async markDeleted(period: PeriodName, beforeMs: number): Promise<void> {
    const deletedBefore = { ...this.#meta.deletedBefore, [period]: beforeMs };
    await this.#put([], undefined, true, { deletedBefore });
    this.#blocks.deletedBefore = deletedBefore;
  }

  /** Whether the anchor lags behind what is on the disk, and it is time to move it. */
  anchorDue(now: MonotonicMs): boolean {
    if (this.#syncedWrites === this.#anchoredWrites) return false;
    return this.#anchoredAt === undefined || now - this.#anchoredAt >= anchorEveryMs;
  }

  /** Moves the anchor to what is on the disk. */
  async dropAnchor(now?: MonotonicMs): Promise<void> {
    const writes = this.#syncedWrites;
    await this.#anchor.write(writes);
    this.#anchoredWrites = writes;
    this.#anchoredAt = now;
  }

  /**
   * The meta row's word on what is published, in the write that changes those seconds: whenever
   * this ends, they are not taken for published.
   */
  #unpublished(changed: readonly number[]): Partial<Meta> {
    const cluster = this.#publishing?.published() ?? unseen(this.#meta.cluster);
    if (cluster === undefined) return {};
    const through = changed.reduce((least, start) => Math.min(least, start), cluster.through);
    return { cluster: { ...cluster, through } };
  }

  async #put(
    changes: readonly Change[],
    open: readonly Minute[] | undefined,
    sync: boolean,
    more: Partial<Meta> = {},
  ): Promise<void> {
    // A write that failed may be there all the same once the store is opened again. So its number
    // is spent: two that differ never have the same.
    this.#lastWrite++;
    const meta: Meta = {
      ...this.#meta,
      ...more,
      writes: this.#lastWrite,
      ...(open && { open: open.map(({ start, total }) => ({ start, total })) }),
    };
    await this.#store.write([...changes, { meta }], { sync });
    this.#meta = meta;
    if (sync) this.#syncedWrites = meta.writes;
  }
}

/** While nobody publishes, nobody sees which rows of reports change: all may have. */
function unseen(cluster: Published | undefined): Published | undefined {
  if (cluster?.reports === undefined) return cluster;
  return { ...cluster, reports: { ...cluster.reports, through: 0 } };
}
