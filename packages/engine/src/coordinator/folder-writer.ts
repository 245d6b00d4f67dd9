/**
 * Writes counts into a data folder that no server holds: what an import does. Locks the folder as a
 * server does.
 *
 * A commit is one batch of the database, on the disk: the blocks of some minutes in all three
 * periods, and how far their source was counted. Whatever ends the process, the folder is that of a
 * server which stopped by itself, and the position is where the counts end. So the first commit also
 * moves what a killed server left in its journal into blocks: from then on there is no journal.
 */
import { hostname } from 'node:os';
import {
  copyOf,
  ms10,
  ms10PerSecond,
  type OnDamage,
  type PeriodName,
  periodNames,
  Reto3Error,
  timeText,
  type Windows,
} from '@reto3/core';
import { Minute } from '../ring/minute.ts';
import { fastLevel } from '../store/codec.ts';
import { firstWriteFailure } from '../store/database-failure.ts';
import { holdsDatabase } from '../store/database-files.ts';
import { holds } from '../store/gone.ts';
import { HeldFolder } from '../store/held-folder.ts';
import { type Meta, withoutJournal } from '../store/meta.ts';
import { type SourcePosition, sourceRow } from '../store/source-rows.ts';
import type { Change, Store } from '../store/store.ts';
import { Blocks, type StoredBlocks } from './blocks.ts';
import { closeMinutes } from './changes.ts';
import { type Recovered, recover } from './recover.ts';

/** What a source has of one minute. */
export interface MinuteCounts {
  /** Epoch ms. */
  readonly start: number;
  /** Of its ms10 windows, what is to be added. */
  readonly counts: ArrayLike<number>;
  /** ms10 windows [from, to) of the minute in which the source counted. */
  readonly counted: readonly { readonly from: number; readonly to: number }[];
  /** Whether its clock ticks in seconds; then `counted` are whole seconds. */
  readonly secondsOnly: boolean;
}

/** A folder that is open. */
interface Held {
  readonly folder: HeldFolder;
  readonly store: Store;
  readonly recovered: Recovered;
  /** Minutes that are in the journal, until the first commit. */
  readonly journal: Map<number, Minute>;
  meta: Meta;
  readonly read: ReadBlocks;
  readonly blocks: Blocks;
}

/** A minute in memory takes 120 KB. */
export const minutesPerCommit = 128;

export class FolderWriter {
  readonly #path: string;
  /** Absent for a new folder until the first commit: what cannot be read must not leave one behind. */
  #held: Held | undefined;
  #minutes: Minute[] = [];
  readonly #sources = new Map<string, SourcePosition>();

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws Reto3Error RETO3_DATA_LOCKED, RETO3_DATA_UNREADABLE, RETO3_DATA_CORRUPT, RETO3_DATA_VERSION */
  static async open(path: string): Promise<FolderWriter> {
    const writer = new FolderWriter(path);
    if (await holdsDatabase(path)) await writer.#hold();
    return writer;
  }

  /** How far each source was counted. */
  get sources(): SourcePosition[] {
    return [...this.#sources.values()];
  }

  /** The number of the next commit among the writes of the folder; takes the folder. */
  async nextWrite(): Promise<number> {
    return (await this.#hold()).meta.writes + 1;
  }

  /** How many minutes the next commit has. */
  get minutes(): number {
    return this.#minutes.length;
  }

  /**
   * Adds what a source has of a minute to the next commit; once for each minute. What lies before
   * what the folder held when it was opened is marked as revised.
   * @throws Reto3Error RETO3_DATA_CORRUPT, RETO3_STORE_FAILING, RETO3_BAD_RANGE
   */
  async add({ start, counts, counted, secondsOnly }: MinuteCounts): Promise<void> {
    const held = await this.#hold();
    const minute = this.#minuteAt(held, start);
    const heldEnd = held.recovered.countedEnd - start;
    for (const { from, to } of counted) {
      if (!secondsOnly) minute.markCounted(from, to);
      else minute.markSecondsOnly(from / ms10PerSecond, to / ms10PerSecond);
    }
    const perWindow = secondsOnly ? ms10PerSecond : 1;
    for (let window = 0; window < counts.length; window += perWindow) {
      let count = 0;
      for (let index = window; index < window + perWindow; index++) count += counts[index] ?? 0;
      if (count !== 0) minute.add(window, count, window * ms10.windowMs < heldEnd);
    }
    if (minute.unclosed && !held.journal.has(start)) this.#minutes.push(minute);
  }

  /**
   * Puts on the disk, in one batch, the minutes that were added and how far their source was counted.
   * @throws Reto3Error RETO3_DISK_FULL, RETO3_DATA_UNREADABLE
   */
  async commit(position: SourcePosition): Promise<void> {
    const held = await this.#hold();
    const { folder, store, recovered } = held;
    const minutes = [...held.journal.values(), ...this.#minutes];
    const closing = closeMinutes(minutes, held.blocks, fastLevel);
    const journalRows = recovered.journalRows.map(
      (start): Change => ({ delete: 'journal', start }),
    );
    const rows = [...store.heldRows(), sourceRow(position)];
    const reports = rows.map(({ key, bytes }): Change => ({ report: key, bytes }));
    const writes = held.meta.writes + 1;
    const { cluster, messages = recovered.messagesInBlocks } = held.meta;
    const oldest = Math.min(...this.#minutes.map(({ start }) => start));
    const meta: Meta = {
      ...withoutJournal(held.meta),
      clean: true,
      writes,
      open: [],
      messages: messages + closing.messages,
      // What changes is no longer published.
      ...(cluster && { cluster: { ...cluster, through: Math.min(cluster.through, oldest) } }),
    };
    try {
      const changes = [...closing.changes, ...reports, ...journalRows, { meta }];
      await store.write(changes, { sync: true });
      await folder.anchor.write(writes);
      if (held.meta.journal !== undefined)
        for (const id of await folder.journals.ids()) await folder.journals.retire(id);
    } catch (error) {
      throw firstWriteFailure(this.#path, error);
    }
    store.release(store.heldRows());
    held.journal.clear();
    held.read.forget();
    held.meta = meta;
    this.#minutes = [];
    this.#sources.set(position.id, position);
  }

  async close(): Promise<void> {
    await this.#held?.store.close();
  }

  /** The minute as the folder has it. */
  #minuteAt({ recovered, journal, blocks }: Held, start: number): Minute {
    const inJournal = journal.get(start);
    if (inJournal !== undefined) return inJournal;
    const { gone, meta } = recovered;
    const minute = `the minute ${timeText(start)} of ${this.#path}`;
    if (start < meta.deletedBefore.min)
      throw new Reto3Error('RETO3_BAD_RANGE', `cannot add to ${minute}: retention has deleted it`, {
        hint: 'import into another --data-dir',
      });
    const { stored, lacking } = blocks.readMinute(start);
    if (lacking.length > 0 || periodNames.some((name) => holds(gone[name], start)))
      throw new Reto3Error('RETO3_DATA_CORRUPT', `cannot add to ${minute}: it is damaged`);
    return new Minute(start, stored);
  }

  async #hold(): Promise<Held> {
    if (this.#held !== undefined) return this.#held;
    const folder = new HeldFolder(this.#path);
    const store = await folder.openStore();
    try {
      const { anchor, journals } = folder;
      const recovered = await recover({ store, anchor, journals }, hostname());
      store.hold(recovered.rows);
      for (const source of await store.sources()) this.#sources.set(source.id, source);
      const journal = new Map(recovered.minutes.unclosed().map((one) => [one.start, one]));
      const read = new ReadBlocks(store);
      const { meta, gone } = recovered;
      const blocks = new Blocks(read, { ...meta, gone }, () => undefined);
      this.#held = { folder, store, recovered, journal, meta, read, blocks };
      return this.#held;
    } catch (error) {
      await store.close();
      throw error;
    }
  }
}

/** The sec and min block that were read last, until the next write: each minute of them asks for both. */
class ReadBlocks implements StoredBlocks {
  readonly #store: Store;
  readonly #read = new Map<PeriodName, { start: number; windows: Windows | undefined }>();

  constructor(store: Store) {
    this.#store = store;
  }

  readBlock(period: PeriodName, start: number, onDamage?: OnDamage): Windows | undefined {
    const before = this.#read.get(period);
    if (before?.start === start) return before.windows && copyOf(before.windows);
    let isDamaged = false;
    const windows = this.#store.readBlock(period, start, (damage) => {
      isDamaged = true;
      onDamage?.(damage);
    });
    if (period !== 'ms10' && !isDamaged) this.#read.set(period, { start, windows });
    return windows && copyOf(windows);
  }

  hasBlock(period: PeriodName, start: number): boolean {
    return this.#store.hasBlock(period, start);
  }

  forget(): void {
    this.#read.clear();
  }
}
