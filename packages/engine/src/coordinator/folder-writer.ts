/**
 * Writes counts into a data folder that no server holds, for imports. Locks the folder as a server
 * does.
 *
 * A commit is one batch of the database, on disk: the blocks of some minutes in all three periods,
 * and how far their source was counted. So whatever ends the process, the folder is like that of a
 * server that stopped cleanly, and the position is where the counts end. The first commit also
 * closes the minutes in the journal of a killed server; after it there is no journal.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import {
  commonMoment,
  type LogMoment,
  ms10,
  ms10PerSecond,
  type PeriodName,
  periodNames,
  Reto3Error,
  timeText,
} from '@reto3/core';
import { Minute } from '../ring/minute.ts';
import { fastLevel } from '../store/codec.ts';
import { firstWriteFailure } from '../store/database-failure.ts';
import { holdsDatabase } from '../store/database-files.ts';
import { holds } from '../store/gone.ts';
import { HeldFolder } from '../store/held-folder.ts';
import { type Meta, withoutJournal } from '../store/meta.ts';
import { giveToOwner } from '../store/ownership.ts';
import { momentsOf, type SourcePosition, sourceRow } from '../store/source-rows.ts';
import type { Change, Store } from '../store/store.ts';
import { BlockCache } from './block-cache.ts';
import { Blocks } from './blocks.ts';
import { closeMinutes } from './changes.ts';
import { EmptyMinute } from './empty-minute.ts';
import { type Recovered, recover } from './recover.ts';

/** The messages of a source in one minute. */
export interface MinuteCounts {
  /** Epoch ms. */
  readonly start: number;
  /** The messages to add to each of its ms10 windows; undefined if there are none. */
  readonly counts: ArrayLike<number> | undefined;
  /** The ms10 windows [from, to) of the minute that the source covers. */
  readonly counted: readonly { readonly from: number; readonly to: number }[];
  /** Whether its clock ticks in seconds; then `counted` are whole seconds. */
  readonly secondsOnly: boolean;
}

/** An open folder. */
interface Held {
  readonly folder: HeldFolder;
  readonly store: Store;
  readonly recovered: Recovered;
  /** The minutes of the journal by start, until the first commit. */
  readonly journal: Map<number, Minute>;
  meta: Meta;
  readonly cache: BlockCache;
  readonly blocks: Blocks;
  /** From this time on, no counts were deleted by retention or lost; epoch ms. */
  readonly wholeFrom: number;
}

/** So many minutes with messages take 15 MB. */
const minutesPerCommit = 128;
/** So many empty minutes take no more than one with messages. */
const emptyPerMinute = 64;

export class FolderWriter {
  readonly #path: string;
  /** A server whose store fails holds no lock. With another boot, it cannot go on with the folder. */
  readonly #bootId = randomUUID();
  /**
   * undefined in a new folder until the first minute: an unreadable log must not create a folder.
   */
  #held: Held | undefined;
  #minutes: Minute[] = [];
  /** Those without messages, in time of which the folder has no counts. */
  #emptyMinutes: EmptyMinute[] = [];
  readonly #sources = new Map<string, SourcePosition>();

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Opens the folder if it has a database.
   * @throws Reto3Error RETO3_DATA_LOCKED, RETO3_DATA_UNREADABLE, RETO3_DATA_CORRUPT,
   * RETO3_DATA_VERSION
   */
  static async open(path: string): Promise<FolderWriter> {
    const writer = new FolderWriter(path);
    if (await holdsDatabase(path)) await writer.#hold();
    return writer;
  }

  /** How far each source was counted. */
  get sources(): SourcePosition[] {
    return [...this.#sources.values()];
  }

  /** Which moment the sources count; see `commonMoment`. */
  get moment(): LogMoment | undefined {
    return commonMoment(momentsOf(this.#sources.values()));
  }

  /** The number of the write that the next commit is. Creates the folder if there is none. */
  async nextWrite(): Promise<number> {
    return (await this.#hold()).meta.writes + 1;
  }

  /** Whether the next commit has so many minutes that more would take too much memory. */
  get isFull(): boolean {
    return this.#minutes.length + this.#emptyMinutes.length / emptyPerMinute >= minutesPerCommit;
  }

  /**
   * Adds a minute of a source to the next commit; at most once for each minute. Windows before the
   * end of the counts that the folder had when it was opened are revised.
   * @throws Reto3Error RETO3_DATA_CORRUPT, RETO3_STORE_FAILING, RETO3_BAD_RANGE
   */
  async add({ start, counts, counted, secondsOnly }: MinuteCounts): Promise<void> {
    const held = await this.#hold();
    // Until the first commit, the journal may have counts that no block has.
    const areInBlocks = held.journal.size === 0 && start >= held.wholeFrom;
    const isVacant = areInBlocks && (await held.cache.isVacant(start));
    if (areInBlocks && counts === undefined && coversMinute(counted)) {
      const empty = new EmptyMinute(start, secondsOnly);
      if (isVacant) this.#emptyMinutes.push(empty);
      if (isVacant || held.cache.hasBytes(start, empty.block)) return;
    }
    const minute = isVacant ? new Minute(start) : this.#minuteAt(held, start);
    const heldEnd = held.recovered.countedEnd - start;
    for (const { from, to } of counted) {
      if (!secondsOnly) minute.markCounted(from, to);
      else minute.markSecondsOnly(from / ms10PerSecond, to / ms10PerSecond);
    }
    const perWindow = secondsOnly ? ms10PerSecond : 1;
    for (let window = 0; window < (counts?.length ?? 0); window += perWindow) {
      let count = 0;
      for (let index = window; index < window + perWindow; index++) count += counts?.[index] ?? 0;
      if (count !== 0) minute.add(window, count, window * ms10.windowMs < heldEnd);
    }
    if (minute.unclosed && !held.journal.has(start)) this.#minutes.push(minute);
  }

  /** The periods in which readers do not see an added minute: retention has deleted its time. */
  hiddenIn(start: number): PeriodName[] {
    const deletedBefore = this.#held?.meta.deletedBefore;
    return periodNames.filter((name) => start < (deletedBefore?.[name] ?? 0));
  }

  /**
   * Writes the added minutes and the position of their source, in one batch, on disk.
   * @throws Reto3Error RETO3_DISK_FULL, RETO3_DATA_UNREADABLE
   */
  async commit(position: SourcePosition): Promise<void> {
    const held = await this.#hold();
    const { folder, store, recovered } = held;
    const minutes = [...held.journal.values(), ...this.#minutes, ...this.#emptyMinutes];
    const closing = closeMinutes(minutes, held.blocks, fastLevel);
    const journalRows = recovered.journalRows.map(
      (start): Change => ({ delete: 'journal', start }),
    );
    const rows = [...store.heldRows(), sourceRow(position)];
    const reports = rows.map(({ key, bytes }): Change => ({ report: key, bytes }));
    const writes = held.meta.writes + 1;
    const { messages = recovered.messagesInBlocks } = held.meta;
    const meta: Meta = {
      ...withoutJournal(held.meta),
      bootId: this.#bootId,
      clean: true,
      writes,
      open: [],
      messages: messages + closing.messages,
    };
    try {
      // As in a first checkpoint: later a missing anchor means damage.
      if (held.meta.writes === 0) await folder.anchor.write(0);
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
    held.cache.clear();
    held.meta = meta;
    this.#minutes = [];
    this.#emptyMinutes = [];
    this.#sources.set(position.id, position);
  }

  async close(): Promise<void> {
    if (this.#held === undefined) return;
    await this.#held.store.close();
    await giveToOwner(this.#path);
  }

  /** The minute with the counts of the folder. */
  #minuteAt({ recovered, journal, blocks }: Held, start: number): Minute {
    const inJournal = journal.get(start);
    if (inJournal !== undefined) return inJournal;
    const { gone, meta } = recovered;
    const minute = `the minute ${timeText(start)} of ${this.#path}`;
    if (start < meta.deletedBefore.min)
      throw new Reto3Error('RETO3_BAD_RANGE', `cannot add to ${minute}: retention has deleted it`, {
        hint: 'import into another --data-dir',
      });
    const { stored, unreadable } = blocks.readMinute(start);
    if (unreadable.length > 0 || periodNames.some((name) => holds(gone[name], start)))
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
      const cache = new BlockCache(store);
      const { meta, gone } = recovered;
      const blocks = new Blocks(cache, { ...meta, gone }, () => undefined);
      const isAnyGone = periodNames.some((name) => gone[name].length > 0);
      const wholeFrom = isAnyGone
        ? Number.POSITIVE_INFINITY
        : Math.max(...Object.values(meta.deletedBefore));
      this.#held = { folder, store, recovered, journal, meta, cache, blocks, wholeFrom };
      return this.#held;
    } catch (error) {
      await store.close();
      throw error;
    }
  }
}

function coversMinute([first, ...others]: MinuteCounts['counted']): boolean {
  return first?.from === 0 && first.to === ms10.blockWindows && others.length === 0;
}
