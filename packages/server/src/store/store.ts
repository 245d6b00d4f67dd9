/**
 * The store: blocks of three periods, the journal of the open minute, and a few facts about the
 * node.
 *
 * It turns rows into bytes and back and knows nothing of time passing. Every value written is
 * absolute, so a write may be repeated. One `write` is one LevelDB batch: all of it or nothing is
 * there after a crash.
 */
import type { AbstractBatchOptions, AbstractSnapshot, AbstractSublevel } from 'abstract-level';
import { messageOf, Reto3Error } from '../errors.ts';
import { ms10PerSecond, type Period, type PeriodName, periods, sec } from '../period.ts';
import type { Windows } from '../window/windows.ts';
import { DamagedRow, decodeWindows, encodeWindows } from './codec.ts';
import { type OnDamage, report } from './damage.ts';
import type { Database } from './database.ts';
import { decodeGone, encodeGone, type Gone, noneGone } from './gone.ts';
import {
  largestTime,
  partKey,
  rowName,
  type Series,
  sublevelNames,
  timeKey,
  wholeKey,
} from './keys.ts';
import { decodeMeta, encodeMeta, type Meta } from './meta.ts';

/** A block or journal row: the windows that begin at `start` (epoch ms). */
export interface Row {
  readonly start: number;
  readonly windows: Windows;
}

/** A row as it is stored. */
export interface EncodedRow {
  readonly start: number;
  readonly bytes: Uint8Array;
}

export type Change =
  | { readonly put: Series; readonly start: number; readonly windows: Windows }
  | ({ readonly put: Series } & EncodedRow)
  | { readonly delete: Series; readonly start: number }
  /** A row of a report, under a key of store/report-rows.ts. */
  | { readonly report: Uint8Array; readonly bytes: Uint8Array }
  | { readonly meta: Meta }
  | { readonly gone: Gone }
  | { readonly part: string; readonly start: number; readonly bytes: Uint8Array }
  | { readonly merge: string };

/** Keys of reports, [gte, lt). */
export interface ReportRange {
  readonly gte: Uint8Array;
  readonly lt: Uint8Array;
  readonly reverse?: boolean;
}

export interface RowRange {
  /** Epoch ms; rows that start in [from, to). */
  readonly from: number;
  readonly to: number;
  readonly reverse?: boolean;
}

/** The range of every row that there can be. */
export const allTime: RowRange = { from: 0, to: largestTime };

/** The range of every key of a report that there can be. */
export const allReports: ReportRange = {
  gte: new Uint8Array(),
  lt: Uint8Array.of(0x7f),
};

/** A change, as LevelDB takes it. */
type Operation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array };

type Rows = AbstractSublevel<Database, string | Buffer | Uint8Array, number, Uint8Array>;
type Bytes = AbstractSublevel<Database, string | Buffer | Uint8Array, Uint8Array, Uint8Array>;

const metaKey = 'node';
const goneKey = 'gone';
const mergeKey = 'merge';
const wholeMetaKey = wholeKey('meta', Buffer.from(metaKey));
const wholeGoneKey = wholeKey('meta', Buffer.from(goneKey));
const wholeMergeKey = wholeKey('meta', Buffer.from(mergeKey));

/** The database with its sublevels; replaced as a whole when it is opened again. */
interface Handles {
  readonly database: Database;
  readonly rows: Readonly<Record<Series, Rows>>;
  readonly meta: AbstractSublevel<Database, string | Buffer | Uint8Array, string, string>;
  readonly reports: Bytes;
  readonly parts: Bytes;
}

export class Store {
  readonly #openDatabase: () => Promise<Database>;
  readonly #syncDatabase: () => Promise<void>;
  #handles: Handles | undefined;

  private constructor(
    handles: Handles,
    openDatabase: () => Promise<Database>,
    syncDatabase: () => Promise<void>,
  ) {
    this.#handles = handles;
    this.#openDatabase = openDatabase;
    this.#syncDatabase = syncDatabase;
  }

  /**
   * @param syncDatabase puts what was written on the disk, without holding up writes
   * @throws Reto3Error what `openDatabase` throws
   */
  static async open(
    openDatabase: () => Promise<Database>,
    syncDatabase: () => Promise<void> = async () => undefined,
  ): Promise<Store> {
    return new Store(await handlesOf(await openDatabase()), openDatabase, syncDatabase);
  }

  /**
   * Closes the database and opens it again: after a failed write LevelDB refuses all others until
   * then. May be called until it succeeds; meanwhile reads and writes fail with
   * RETO3_STORE_FAILING.
   */
  async reopen(): Promise<void> {
    const handles = this.#handles;
    this.#handles = undefined;
    // What it could not write is written again from memory, so how it closes does not matter.
    await handles?.database.close().catch(() => undefined);
    this.#handles = await handlesOf(await this.#openDatabase());
  }

  get #open(): Handles {
    if (this.#handles !== undefined) return this.#handles;
    throw new Reto3Error('RETO3_STORE_FAILING', 'cannot read the store: it is being opened again');
  }

  /**
   * What is known of the node; undefined in a new folder.
   * @throws Reto3Error RETO3_DATA_VERSION, RETO3_DATA_CORRUPT
   */
  async readMeta(): Promise<Meta | undefined> {
    const text = await this.#open.meta.get(metaKey);
    return text === undefined ? undefined : decodeMeta(text);
  }

  /** What a repair could not save; nothing where there was none. */
  async readGone(): Promise<Gone> {
    const text = await this.#open.meta.get(goneKey);
    return (text === undefined ? undefined : decodeGone(text)) ?? noneGone;
  }

  /**
   * The block of `period` that starts at `start`. Damage goes to `onDamage`, or is thrown where
   * there is none.
   * @throws Reto3Error RETO3_BLOCK_DAMAGED
   */
  readBlock(period: PeriodName, start: number, onDamage?: OnDamage): Windows | undefined {
    let bytes: Uint8Array | undefined;
    try {
      bytes = this.#open.rows[period].getSync(start);
    } catch (error) {
      // Any other failure of the database may pass when it is opened again.
      if (!isCorruption(error)) throw error;
      const reason = `LevelDB says: ${messageOf(error)}`;
      report({ series: period, from: start, to: start + spanOf(period), reason }, onDamage);
    }
    return bytes === undefined ? undefined : decodeRow(period, start, bytes, onDamage)?.windows;
  }

  /** Whether there is a block of `period` that starts at `start`, whole or not. */
  hasBlock(period: PeriodName, start: number): boolean {
    return this.#open.rows[period].getSync(start) !== undefined;
  }

  /** What a merger says of itself, as text; undefined where none writes here. */
  async readMerge(): Promise<string | undefined> {
    return this.#open.meta.get(mergeKey);
  }

  /** What a node has of the minute that starts at `start`, as it is stored; checked by nobody. */
  readPart(start: number, node: string): Uint8Array | undefined {
    return this.#open.parts.getSync(partKey(start, node));
  }

  /** Deletes all parts of minutes that start before a time, epoch ms. */
  async deletePartsBefore(timeMs: number): Promise<void> {
    await this.#open.parts.clear({ lt: timeKey.encode(timeMs) });
  }

  /** Deletes everything. */
  async clear(): Promise<void> {
    await this.#open.database.clear();
  }

  /** A fixed view of all rows as they are now; to be closed. */
  snapshot(): StoreSnapshot {
    const { database, ...handles } = this.#open;
    return new StoreSnapshot(handles, database.snapshot());
  }

  /** Writes all changes or none. With `sync`, they are on the disk when this resolves. */
  async write(changes: readonly Change[], options: { readonly sync: boolean }): Promise<void> {
    const batch = changes.map(operationOf);
    // Whole keys are bytes already; the sublevels, which reads go through, would add their prefix.
    const batchOptions: AbstractBatchOptions<Uint8Array, Uint8Array> & { sync: boolean } = {
      keyEncoding: 'view',
      valueEncoding: 'view',
      sync: options.sync,
    };
    await this.#open.database.batch<Uint8Array, Uint8Array>(batch, batchOptions);
  }

  /** Puts on the disk all that was written before this call; other writes need not wait for it. */
  async sync(): Promise<void> {
    await this.#syncDatabase();
  }

  /** Start of the oldest block of a period, epoch ms, a damaged one too; undefined: there is none. */
  async oldest(period: PeriodName): Promise<number | undefined> {
    const snapshot = this.snapshot();
    try {
      for await (const { start } of snapshot.encodedRows(period, allTime)) return start;
    } finally {
      await snapshot.close();
    }
    return undefined;
  }

  /** Deletes the blocks of a period that start before a time, epoch ms. */
  async deleteBefore(period: PeriodName, timeMs: number): Promise<void> {
    await this.#open.rows[period].clear({ lt: timeMs });
  }

  /** The row of a report under that key, checked by nobody. */
  readReport(key: Uint8Array): Uint8Array | undefined {
    return this.#open.reports.getSync(key);
  }

  /** Deletes the rows of reports in that range of keys. */
  async deleteReports({ gte, lt }: ReportRange): Promise<void> {
    await this.#open.reports.clear({ gte, lt });
  }

  async close(): Promise<void> {
    await this.#handles?.database.close();
  }
}

function operationOf(change: Change): Operation {
  if ('meta' in change)
    return { type: 'put', key: wholeMetaKey, value: Buffer.from(encodeMeta(change.meta)) };
  if ('gone' in change)
    return { type: 'put', key: wholeGoneKey, value: Buffer.from(encodeGone(change.gone)) };
  if ('merge' in change)
    return { type: 'put', key: wholeMergeKey, value: Buffer.from(change.merge) };
  if ('report' in change)
    return { type: 'put', key: wholeKey('report', change.report), value: change.bytes };
  if ('part' in change) {
    const key = wholeKey('part', partKey(change.start, change.part));
    return { type: 'put', key, value: change.bytes };
  }
  const series = 'delete' in change ? change.delete : change.put;
  const key = wholeKey(series, timeKey.encode(change.start));
  if ('delete' in change) return { type: 'del', key };
  const value =
    'bytes' in change ? change.bytes : encodeWindows(change.windows, rowName(series, change.start));
  return { type: 'put', key, value };
}

async function handlesOf(database: Database): Promise<Handles> {
  const rows = (series: Series): Rows =>
    database.sublevel<number, Uint8Array>(sublevelNames[series], {
      keyEncoding: timeKey,
      valueEncoding: 'view',
    });
  const handles: Handles = {
    database,
    rows: { journal: rows('journal'), ms10: rows('ms10'), sec: rows('sec'), min: rows('min') },
    meta: database.sublevel<string, string>(sublevelNames.meta, { valueEncoding: 'utf8' }),
    reports: database.sublevel<Uint8Array, Uint8Array>(sublevelNames.report, {
      keyEncoding: 'view',
      valueEncoding: 'view',
    }),
    parts: database.sublevel<Uint8Array, Uint8Array>(sublevelNames.part, {
      keyEncoding: 'view',
      valueEncoding: 'view',
    }),
  };
  // A sublevel opens a moment after it was made, and cannot be read synchronously until then.
  const { rows: levels, meta, reports, parts } = handles;
  const all = [...Object.values(levels), meta, reports, parts];
  await Promise.all(all.map((level) => level.open()));
  return handles;
}

/**
 * So few rows are read one by one on this thread: an iterator goes through the thread pool three
 * times, which takes ten times as long as what it does there. The newest windows, which is what
 * is asked for again and again, lie in two blocks at most.
 */
const mostPointReads = 2;

export class StoreSnapshot {
  readonly #rows: Readonly<Record<Series, Rows>>;
  readonly #meta: Handles['meta'];
  readonly #reports: Bytes;
  readonly #parts: Bytes;
  readonly #snapshot: AbstractSnapshot;

  constructor(handles: Omit<Handles, 'database'>, snapshot: AbstractSnapshot) {
    this.#rows = handles.rows;
    this.#meta = handles.meta;
    this.#reports = handles.reports;
    this.#parts = handles.parts;
    this.#snapshot = snapshot;
  }

  /**
   * The rows of a series that start within the range, in order of time. Damaged ones go to
   * `onDamage` instead, or are thrown where there is none.
   * @throws Reto3Error RETO3_BLOCK_DAMAGED
   */
  async *rows(series: Series, range: RowRange, onDamage?: OnDamage): AsyncGenerator<Row> {
    if (range.from >= range.to) return;
    const rest = unreadOf(series, range);
    try {
      for await (const [start, bytes] of this.#entries(series, range)) {
        const row = decodeRow(series, start, bytes, onDamage);
        if (row !== undefined) yield row;
        rest.read(start);
      }
    } catch (error) {
      rest.fail(error, onDamage);
    }
  }

  /** The starts of the rows of a series within the range, whole or not, in order of time. */
  async *starts(series: Series, range: RowRange, onDamage?: OnDamage): AsyncGenerator<number> {
    const { from, to, reverse = false } = range;
    if (from >= to) return;
    const rest = unreadOf(series, range);
    const keys = { gte: Math.max(0, from), lt: to, reverse, snapshot: this.#snapshot };
    try {
      for await (const start of this.#rows[series].keys(keys)) {
        yield start;
        rest.read(start);
      }
    } catch (error) {
      rest.fail(error, onDamage);
    }
  }

  /**
   * What a node has of the minute that starts at `start`, as it is stored; checked by nobody.
   * Damage goes to `onDamage`, or is thrown where there is none.
   * @throws Reto3Error RETO3_BLOCK_DAMAGED
   */
  part(start: number, node: string, onDamage?: OnDamage): Uint8Array | undefined {
    try {
      return this.#parts.getSync(partKey(start, node), { snapshot: this.#snapshot });
    } catch (error) {
      unreadOf('ms10', { from: start, to: start + spanOf('ms10') }).fail(error, onDamage);
      return undefined;
    }
  }

  #entries(
    series: Series,
    { from, to, reverse = false }: RowRange,
  ): Iterable<[number, Uint8Array]> | AsyncIterable<[number, Uint8Array]> {
    const span = spanOf(series);
    const first = Math.ceil(Math.max(0, from) / span) * span;
    if (to - first <= mostPointReads * span) return this.#points(series, first, to, reverse);
    const gte = Math.max(0, from);
    return this.#rows[series].iterator({ gte, lt: to, reverse, snapshot: this.#snapshot });
  }

  /** The rows that start at `first` or a whole number of rows later, asked for one by one. */
  *#points(
    series: Series,
    first: number,
    to: number,
    reverse: boolean,
  ): Generator<[number, Uint8Array]> {
    const span = spanOf(series);
    const starts: number[] = [];
    for (let start = first; start < to; start += span) starts.push(start);
    for (const start of reverse ? starts.reverse() : starts) {
      const bytes = this.#rows[series].getSync(start, { snapshot: this.#snapshot });
      if (bytes !== undefined) yield [start, bytes];
    }
  }

  /** The meta row, or the row of what a repair could not save, as it is stored. */
  async text(name: 'meta' | 'gone'): Promise<string | undefined> {
    return this.#meta.get(name === 'meta' ? metaKey : goneKey, { snapshot: this.#snapshot });
  }

  /** The rows of a series as they are stored, in order of time, checked by nobody. */
  async *encodedRows(series: Series, range: RowRange): AsyncGenerator<EncodedRow> {
    const iterator = this.#rows[series].iterator({
      gte: Math.max(0, range.from),
      lt: range.to,
      snapshot: this.#snapshot,
    });
    for await (const [start, bytes] of iterator) yield { start, bytes };
  }

  /** The rows of reports as they are stored, in order of their keys, checked by nobody. */
  async *reports(
    range: ReportRange,
  ): AsyncGenerator<readonly [key: Uint8Array, bytes: Uint8Array]> {
    const { gte, lt, reverse = false } = range;
    yield* this.#reports.iterator({ gte, lt, reverse, snapshot: this.#snapshot });
  }

  async close(): Promise<void> {
    await this.#snapshot.close();
  }
}

/** How many windows a row of a series has. */
export function lengthOf(series: Series): number {
  return series === 'journal' ? ms10PerSecond : periods[series].blockWindows;
}

/** Up to where a range was read, in case that the database cannot go on. */
function unreadOf(series: Series, { from, to, reverse = false }: RowRange) {
  let [unreadFrom, unreadTo] = [from, to];
  return {
    read(start: number): void {
      if (reverse) unreadTo = start;
      else unreadFrom = start + spanOf(series);
    },
    /** Tells of the rest as damage. @throws what is no error of the database */
    fail(error: unknown, onDamage: OnDamage | undefined): void {
      if (!isDatabaseError(error)) throw error;
      const reason = `LevelDB says: ${messageOf(error)}`;
      report({ series, from: unreadFrom, to: unreadTo, reason }, onDamage);
    },
  };
}

function decodeRow(
  series: Series,
  start: number,
  bytes: Uint8Array,
  onDamage?: OnDamage,
): Row | undefined {
  try {
    return { start, windows: decodeWindows(bytes, lengthOf(series), rowName(series, start)) };
  } catch (error) {
    if (!(error instanceof DamagedRow)) throw error;
    report({ series, from: start, to: start + spanOf(series), reason: error.message }, onDamage);
    return undefined;
  }
}

/** Errors of abstract-level and of LevelDB have codes that begin so. */
function isDatabaseError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('LEVEL_');
}

function isCorruption(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'LEVEL_CORRUPTION';
}

/** How much time one row of a series covers, in milliseconds. */
function spanOf(series: Series): number {
  return series === 'journal' ? sec.windowMs : (periods[series] satisfies Period).blockMs;
}
