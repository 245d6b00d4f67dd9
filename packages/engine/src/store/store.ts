/**
 * The store: blocks of three periods, rows of reports and sources, and the meta row, in LevelDB.
 * Rows that only the journal has yet overlay those of the database.
 *
 * It encodes and decodes rows, and has no clock. Every value written is absolute, so a write may be
 * repeated. One `write` is one LevelDB batch: a crash keeps all of it or nothing.
 */
import {
  type Moment,
  messageOf,
  type OnDamage,
  type PeriodName,
  Reto3Error,
  reportDamage,
  type Windows,
} from '@reto3/core';
import type { AbstractBatchOptions } from 'abstract-level';
import type { HeldRow } from '../journal/record.ts';
import { type Change, operationOf } from './change.ts';
import type { Database } from './database.ts';
import { codeOf, isDatabaseError } from './database-failure.ts';
import { decodeGone, type Gone, noneGone } from './gone.ts';
import { HeldRows } from './held-rows.ts';
import { metaKeys, partKey, timeKey } from './keys.ts';
import { decodeMeta, type Meta } from './meta.ts';
import type { ReportRange } from './report-rows.ts';
import { allTime, rowOf, spanOf } from './rows.ts';
import { StoreSnapshot } from './snapshot.ts';
import { decodeSource, momentsOf, type SourcePosition, sourcesRange } from './source-rows.ts';
import { type Handles, handlesOf } from './sublevels.ts';

// The types of its methods.
export type { Change } from './change.ts';
export { allTime, type Row, type RowRange } from './rows.ts';
export type { StoreSnapshot } from './snapshot.ts';

/** Opens the database; with `create`, makes it if there is none. */
type OpenDatabase = (options: { readonly create: boolean }) => Promise<Database>;

export class Store {
  readonly #openDatabase: OpenDatabase;
  readonly #closed: () => Promise<void>;
  readonly #held = new HeldRows();
  #handles: Handles | undefined;

  private constructor(
    handles: Handles,
    openDatabase: OpenDatabase,
    closed: () => Promise<void> = async () => undefined,
  ) {
    this.#handles = handles;
    this.#openDatabase = openDatabase;
    this.#closed = closed;
  }

  /**
   * @param closed called when the store is closed for good
   * @throws Reto3Error what `openDatabase` throws
   */
  static async open(openDatabase: OpenDatabase, closed?: () => Promise<void>): Promise<Store> {
    const database = await openDatabase({ create: true });
    return new Store(await handlesOf(database), openDatabase, closed);
  }

  /**
   * Closes the database and opens it again: after a failed write LevelDB refuses all others until
   * then. Call it until it succeeds; meanwhile reads and writes fail with RETO3_STORE_FAILING.
   *
   * Memory no longer has everything that is on disk, so the database must prove that it does: a
   * folder that was moved away, replaced or rolled back is refused, and never filled anew.
   * @param written the meta row of a write that is on disk
   * @throws Reto3Error RETO3_STORE_FAILING, and what `openDatabase` throws
   */
  async reopen(written: Pick<Meta, 'bootId' | 'writes'>): Promise<void> {
    const handles = this.#handles;
    this.#handles = undefined;
    // An error does not matter: memory still has what was not written, and writes it again.
    await handles?.database.close().catch(() => undefined);
    const database = await this.#openDatabase({ create: false });
    try {
      const reopened = await handlesOf(database);
      assertContinues(await metaOf(reopened), written);
      this.#handles = reopened;
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  get #open(): Handles {
    if (this.#handles !== undefined) return this.#handles;
    throw new Reto3Error('RETO3_STORE_FAILING', 'cannot read the store: it is being opened again');
  }

  /**
   * The meta row; undefined in a new folder.
   * @throws Reto3Error RETO3_DATA_VERSION, RETO3_DATA_CORRUPT
   */
  async readMeta(): Promise<Meta | undefined> {
    return metaOf(this.#open);
  }

  /** The time ranges whose counts no repair could save. */
  async readGone(): Promise<Gone> {
    const text = await this.#open.meta.get(metaKeys.gone);
    return (text === undefined ? undefined : decodeGone(text)) ?? noneGone;
  }

  /**
   * The block of `period` that starts at `start` (epoch ms); undefined if there is none. A damaged
   * one goes to `onDamage`, or is thrown if there is none.
   * @throws Reto3Error RETO3_BLOCK_DAMAGED, RETO3_STORE_FAILING
   */
  readBlock(period: PeriodName, start: number, onDamage?: OnDamage): Windows | undefined {
    let bytes: Uint8Array | undefined;
    try {
      bytes = this.#open.rows[period].getSync(start);
    } catch (error) {
      // Opening the database again may cure any other error.
      if (!isCorruption(error)) throw error;
      const reason = `LevelDB says: ${messageOf(error)}`;
      reportDamage({ series: period, from: start, to: start + spanOf(period), reason }, onDamage);
    }
    return bytes === undefined ? undefined : rowOf(period, start, bytes, onDamage)?.windows;
  }

  /**
   * Whether a block of `period` starts at `start` (epoch ms); true if it may, but is unreadable.
   */
  hasBlock(period: PeriodName, start: number): boolean {
    return this.encodedBlock(period, start) !== undefined;
  }

  /** As `readBlock`, as stored and unverified. */
  encodedBlock(period: PeriodName, start: number): Uint8Array | 'unreadable' | undefined {
    try {
      return this.#open.rows[period].getSync(start);
    } catch (error) {
      if (!isCorruption(error)) throw error;
      return 'unreadable';
    }
  }

  /** The state of a merger, as text; undefined if none writes here. */
  async readMerge(): Promise<string | undefined> {
    return this.#open.meta.get(metaKeys.merge);
  }

  /** A node's part of the minute that starts at `start` (epoch ms), as stored, unverified. */
  readPart(start: number, node: string): Uint8Array | undefined {
    return this.#open.parts.getSync(partKey(start, node));
  }

  /** Whether it has a part of any node. */
  async hasParts(): Promise<boolean> {
    return (await this.#open.parts.keys({ limit: 1 }).all()).length > 0;
  }

  /** Whether it has a row of counts. */
  async hasCounts(): Promise<boolean> {
    for (const rows of Object.values(this.#open.rows))
      if ((await rows.keys({ limit: 1 }).all()).length > 0) return true;
    return false;
  }

  /** Deletes the parts of all minutes that start before a time, epoch ms. */
  async deletePartsBefore(timeMs: number): Promise<void> {
    await this.#open.parts.clear({ lt: timeKey.encode(timeMs) });
  }

  /** A fixed view of all rows as they are now. Close it after use. */
  snapshot(): StoreSnapshot {
    const { database, ...handles } = this.#open;
    return new StoreSnapshot(handles, database.snapshot(), this.#held.copy());
  }

  /**
   * Writes all changes or none. With `sync`, they are on disk when this resolves.
   * @throws RangeError for a time or count that cannot be stored; errors of LevelDB
   */
  async write(changes: readonly Change[], options: { readonly sync: boolean }): Promise<void> {
    const batch = changes.map(operationOf);
    // The keys have their prefix: adding it with a sublevel takes longer than the write itself.
    const batchOptions: AbstractBatchOptions<Uint8Array, Uint8Array> & { sync: boolean } = {
      keyEncoding: 'view',
      valueEncoding: 'view',
      sync: options.sync,
    };
    await this.#open.database.batch<Uint8Array, Uint8Array>(batch, batchOptions);
  }

  /** Overlays rows that the journal contains: every reader sees them from now on. */
  hold(rows: readonly HeldRow[]): void {
    this.#held.hold(rows);
  }

  /** The rows that the journal contains and the database does not. */
  heldRows(): readonly HeldRow[] {
    return this.#held.all();
  }

  /** Removes rows from the overlay once the database contains them. */
  release(rows: readonly HeldRow[]): void {
    this.#held.release(rows);
  }

  /**
   * Start of the oldest block of a period from `fromMs` on, intact or not, epoch ms; undefined if
   * there is none.
   */
  async oldest(period: PeriodName, fromMs = 0): Promise<number | undefined> {
    const snapshot = this.snapshot();
    try {
      const range = { from: fromMs, to: allTime.to };
      for await (const { start } of snapshot.encodedRows(period, range)) return start;
    } finally {
      await snapshot.close();
    }
    return undefined;
  }

  /** Deletes the blocks of a period that start before a time, epoch ms. */
  async deleteBefore(period: PeriodName, timeMs: number): Promise<void> {
    await this.#open.rows[period].clear({ lt: timeMs });
  }

  /** The row of a report under that key, unverified. */
  readReport(key: Uint8Array): Uint8Array | undefined {
    return this.#held.get(key) ?? this.#open.reports.getSync(key);
  }

  /** How far each log was counted. @throws Reto3Error RETO3_DATA_CORRUPT */
  async sources(): Promise<SourcePosition[]> {
    const found: SourcePosition[] = [];
    for await (const position of this.#positions()) {
      if (position === undefined) {
        const message = 'cannot read the data folder: how far a log was counted is damaged';
        throw new Reto3Error('RETO3_DATA_CORRUPT', message);
      }
      found.push(position);
    }
    return found;
  }

  /**
   * Which moments the logs count; undefined is among them if one is unknown. A damaged row is no
   * error, because the counts can be read without it.
   */
  async moments(): Promise<ReadonlySet<Moment | undefined>> {
    const found: SourcePosition[] = [];
    let isDamaged = false;
    try {
      for await (const position of this.#positions()) {
        if (position === undefined) isDamaged = true;
        else found.push(position);
      }
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      isDamaged = true;
    }
    const moments = momentsOf(found);
    return isDamaged ? moments.add(undefined) : moments;
  }

  /** The position of each source; undefined for a damaged one. */
  async *#positions(): AsyncGenerator<SourcePosition | undefined> {
    const snapshot = this.snapshot();
    try {
      for await (const [key, bytes] of snapshot.reports(sourcesRange))
        yield decodeSource(key, bytes);
    } finally {
      await snapshot.close();
    }
  }

  /** Deletes the rows in a range of keys. Returns the keys of those that only the journal had. */
  async deleteReports({ gte, lt }: ReportRange): Promise<Uint8Array[]> {
    const held = this.#held.deleteRange({ gte, lt });
    await this.#open.reports.clear({ gte, lt });
    return held;
  }

  async close(): Promise<void> {
    await this.#handles?.database.close();
    await this.#closed();
  }
}

async function metaOf({ meta }: Handles): Promise<Meta | undefined> {
  const text = await meta.get(metaKeys.node);
  return text === undefined ? undefined : decodeMeta(text);
}

/** @throws Reto3Error RETO3_STORE_FAILING if the database lacks writes of this server */
function assertContinues(found: Meta | undefined, written: Pick<Meta, 'bootId' | 'writes'>): void {
  const writes = found?.bootId === written.bootId ? found?.writes : undefined;
  if (writes !== undefined && writes >= written.writes) return;
  const got =
    writes === undefined
      ? 'another server wrote it'
      : `got ${writes} writes, want at least ${written.writes}`;
  throw new Reto3Error(
    'RETO3_STORE_FAILING',
    `cannot reopen the data folder: it is not the one that this server wrote (${got})`,
    {
      hint: 'put the folder back, and the server recovers by itself; if a repair or an import wrote to it, restart the server',
    },
  );
}

function isCorruption(error: unknown): boolean {
  return codeOf(error) === 'LEVEL_CORRUPTION';
}
