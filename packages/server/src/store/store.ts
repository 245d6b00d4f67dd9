/**
 * The store: blocks of three periods, the journal of the open minute, and a few facts about the
 * node.
 *
 * It turns rows into bytes and back and knows nothing of time passing. Every value written is
 * absolute, so a write may be repeated. One `write` is one LevelDB batch: all of it or nothing is
 * there after a crash.
 */
import type { AbstractBatchOptions, AbstractSnapshot, AbstractSublevel } from 'abstract-level';
import { Reto3Error } from '../errors.ts';
import { ms10PerSecond, type Period, type PeriodName, periods, sec } from '../period.ts';
import type { Windows } from '../window/windows.ts';
import { DamagedRow, decodeWindows, encodeWindows } from './codec.ts';
import type { Database } from './database.ts';
import { largestTime, rowName, type Series, sublevelNames, timeKey } from './keys.ts';
import { decodeMeta, encodeMeta, type Meta } from './meta.ts';

/** A block or journal row: the windows that begin at `start` (epoch ms). */
export interface Row {
  readonly start: number;
  readonly windows: Windows;
}

export type Change =
  | { readonly put: Series; readonly start: number; readonly windows: Windows }
  | { readonly delete: Series; readonly start: number }
  | { readonly meta: Meta };

export interface RowRange {
  /** Epoch ms; rows that start in [from, to). */
  readonly from: number;
  readonly to: number;
  readonly reverse?: boolean;
}

/** The range of every row that there can be. */
export const allTime: RowRange = { from: 0, to: largestTime };

type Rows = AbstractSublevel<Database, string | Buffer | Uint8Array, number, Uint8Array>;

const metaKey = 'node';

export class Store {
  readonly #database: Database;
  readonly #rows: Readonly<Record<Series, Rows>>;
  readonly #meta: AbstractSublevel<Database, string | Buffer | Uint8Array, string, string>;

  constructor(database: Database) {
    this.#database = database;
    const rows = (series: Series): Rows =>
      database.sublevel<number, Uint8Array>(sublevelNames[series], {
        keyEncoding: timeKey,
        valueEncoding: 'view',
      });
    this.#rows = {
      journal: rows('journal'),
      ms10: rows('ms10'),
      sec: rows('sec'),
      min: rows('min'),
    };
    this.#meta = database.sublevel<string, string>(sublevelNames.meta, { valueEncoding: 'utf8' });
  }

  /**
   * What is known of the node; undefined in a new folder.
   * @throws Reto3Error RETO3_DATA_VERSION, RETO3_DATA_CORRUPT
   */
  async readMeta(): Promise<Meta | undefined> {
    const text = await this.#meta.get(metaKey);
    return text === undefined ? undefined : decodeMeta(text);
  }

  /** The block of `period` that starts at `start`. @throws Reto3Error RETO3_BLOCK_DAMAGED */
  readBlock(period: PeriodName, start: number): Windows | undefined {
    const bytes = this.#rows[period].getSync(start);
    return bytes === undefined ? undefined : decodeRow(period, start, bytes);
  }

  /** A fixed view of all rows as they are now; to be closed. */
  snapshot(): StoreSnapshot {
    return new StoreSnapshot(this.#rows, this.#database.snapshot());
  }

  /** Writes all changes or none. With `sync`, they are on the disk when this resolves. */
  async write(changes: readonly Change[], options: { readonly sync: boolean }): Promise<void> {
    const batch = changes.map((change) => {
      if ('meta' in change) {
        return {
          type: 'put',
          sublevel: this.#meta,
          key: metaKey,
          value: encodeMeta(change.meta),
        } as const;
      }
      if ('delete' in change) {
        return { type: 'del', sublevel: this.#rows[change.delete], key: change.start } as const;
      }
      const value = encodeWindows(change.windows, rowName(change.put, change.start));
      return { type: 'put', sublevel: this.#rows[change.put], key: change.start, value } as const;
    });
    const batchOptions: AbstractBatchOptions<string, string> & { sync: boolean } = options;
    await this.#database.batch<string | number, string | Uint8Array>(
      batch,
      batchOptions as AbstractBatchOptions<string | number, string | Uint8Array>,
    );
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}

export class StoreSnapshot {
  readonly #rows: Readonly<Record<Series, Rows>>;
  readonly #snapshot: AbstractSnapshot;

  constructor(rows: Readonly<Record<Series, Rows>>, snapshot: AbstractSnapshot) {
    this.#rows = rows;
    this.#snapshot = snapshot;
  }

  /**
   * The rows of a series that start within the range, in order of time.
   * @throws Reto3Error RETO3_BLOCK_DAMAGED
   */
  async *rows(series: Series, range: RowRange): AsyncGenerator<Row> {
    if (range.from >= range.to) return;
    const iterator = this.#rows[series].iterator({
      gte: Math.max(0, range.from),
      lt: range.to,
      reverse: range.reverse ?? false,
      snapshot: this.#snapshot,
    });
    for await (const [start, bytes] of iterator)
      yield { start, windows: decodeRow(series, start, bytes) };
  }

  async close(): Promise<void> {
    await this.#snapshot.close();
  }
}

function lengthOf(series: Series): number {
  return series === 'journal' ? ms10PerSecond : periods[series].blockWindows;
}

function decodeRow(series: Series, start: number, bytes: Uint8Array): Windows {
  try {
    return decodeWindows(bytes, lengthOf(series), rowName(series, start));
  } catch (error) {
    if (!(error instanceof DamagedRow)) throw error;
    const from = new Date(start).toISOString();
    const to = new Date(start + spanOf(series)).toISOString();
    throw new Reto3Error(
      'RETO3_BLOCK_DAMAGED',
      `cannot read ${series} from ${from} to ${to}: ${error.message}`,
      {
        cause: error,
      },
    );
  }
}

function spanOf(series: Series): number {
  return series === 'journal' ? sec.windowMs : (periods[series] satisfies Period).blockMs;
}
