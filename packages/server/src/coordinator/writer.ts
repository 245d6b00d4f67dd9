/**
 * The writer: puts the minutes in memory into the store, one write at a time.
 *
 * Every write carries the meta row, so the store always knows how many writes it has had and what
 * its open minutes add up to; whatever a later start does not find again is noticed. Values are
 * absolute: after a failure everything that is not closed is simply written once more.
 */
import type { MonotonicMs } from '../clock.ts';
import type { PeriodName } from '../period.ts';
import type { Anchor } from '../store/anchor.ts';
import type { Meta } from '../store/meta.ts';
import type { Change, Store } from '../store/store.ts';
import type { Minute } from '../window/minute.ts';
import { totalOf } from '../window/windows.ts';
import type { Blocks } from './blocks.ts';
import { closeMinutes, isOver, journalRows } from './changes.ts';
import type { Companion } from './companion.ts';
import type { OpenMinutes } from './open-minutes.ts';

/** The anchor need not follow every fsync: it is there to notice that a file or a log is missing. */
const anchorEveryMs = 1_000;

export class Writer {
  readonly #store: Store;
  readonly #blocks: Blocks;
  readonly #anchor: Anchor;
  readonly #companion: Companion | undefined;
  #meta: Meta;
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
  }

  /** What the store says of itself since the last write that succeeded. */
  get meta(): Meta {
    return this.#meta;
  }

  /**
   * Writes what changed: journal rows of open minutes, blocks of those that are over.
   * @param nowMs wall time, epoch ms
   */
  async write(minutes: OpenMinutes, nowMs: number, options: { sync: boolean }): Promise<void> {
    minutes.loadMissing();
    const changes: Change[] = [];
    const open: Minute[] = [];
    const over: Minute[] = [];
    for (const minute of minutes.all()) {
      if (!minute.unclosed) continue;
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
      await this.#put(changes, open, options.sync);
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

  async #put(
    changes: readonly Change[],
    open: readonly Minute[] | undefined,
    sync: boolean,
    more: Partial<Meta> = {},
  ): Promise<void> {
    const meta: Meta = {
      ...this.#meta,
      ...more,
      writes: this.#meta.writes + 1,
      ...(open && { open: open.map(({ start, ms10 }) => ({ start, total: totalOf(ms10) })) }),
    };
    await this.#store.write([...changes, { meta }], { sync });
    this.#meta = meta;
    if (sync) this.#syncedWrites = meta.writes;
  }
}
