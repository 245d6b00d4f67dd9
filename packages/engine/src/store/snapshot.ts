/**
 * A fixed view of all rows of the store, as they were at one moment. What cannot be read is told as
 * damage, and how far a read came before the database failed it.
 */

import { messageOf, type OnDamage, Reto3Error, reportDamage } from '@reto3/core';
import type { AbstractSnapshot } from 'abstract-level';
import { HeldRows } from './held-rows.ts';
import { metaKeys, partKey, type Series } from './keys.ts';
import type { ReportRange } from './report-rows.ts';
import { type EncodedRow, type Row, type RowRange, rowOf, spanOf } from './rows.ts';
import type { Handles } from './sublevels.ts';

/**
 * So few rows are read one by one on this thread: an iterator goes through the thread pool three
 * times, which takes ten times as long as what it does there. The newest windows, which is what
 * is asked for again and again, lie in two blocks at most.
 */
const mostPointReads = 2;
/** A look at whether a row is there takes a few microseconds: as many as a day has of sec blocks. */
const mostPointLooks = 24;

export class StoreSnapshot {
  readonly #rows: Handles['rows'];
  readonly #meta: Handles['meta'];
  readonly #reports: Handles['reports'];
  readonly #parts: Handles['parts'];
  readonly #snapshot: AbstractSnapshot;
  readonly #held: HeldRows;

  constructor(
    handles: Omit<Handles, 'database'>,
    snapshot: AbstractSnapshot,
    held: HeldRows = new HeldRows(),
  ) {
    this.#held = held;
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
    const starts = startsWithin(series, range, mostPointReads);
    const entries =
      starts === undefined
        ? this.#rows[series].iterator(this.#options(range))
        : this.#points(series, starts);
    try {
      for await (const [start, bytes] of entries) {
        const row = rowOf(series, start, bytes, onDamage);
        if (row !== undefined) yield row;
        rest.read(start);
      }
    } catch (error) {
      rest.fail(error, onDamage);
    }
  }

  /** The starts of the rows of a series within the range, whole or not, in order of time. */
  async *starts(series: Series, range: RowRange, onDamage?: OnDamage): AsyncGenerator<number> {
    if (range.from >= range.to) return;
    const rest = unreadOf(series, range);
    try {
      for await (const start of this.#keys(series, range)) {
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

  #keys(series: Series, range: RowRange): Iterable<number> | AsyncIterable<number> {
    const starts = startsWithin(series, range, mostPointLooks);
    if (starts !== undefined) return this.#present(series, starts);
    return this.#rows[series].keys(this.#options(range));
  }

  #options({ from, to, reverse = false }: RowRange) {
    return { gte: Math.max(0, from), lt: to, reverse, snapshot: this.#snapshot };
  }

  /** Those of these rows that are there, asked for one by one. */
  *#points(series: Series, starts: readonly number[]): Generator<[number, Uint8Array]> {
    for (const start of starts) {
      const bytes = this.#rows[series].getSync(start, { snapshot: this.#snapshot });
      if (bytes !== undefined) yield [start, bytes];
    }
  }

  *#present(series: Series, starts: readonly number[]): Generator<number> {
    for (const [start] of this.#points(series, starts)) yield start;
  }

  /** The row of the sublevel meta under that key, as it is stored. */
  async text(name: keyof typeof metaKeys): Promise<string | undefined> {
    return this.#meta.get(metaKeys[name], { snapshot: this.#snapshot });
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
    const stored = this.#reports.iterator({ gte, lt, reverse, snapshot: this.#snapshot });
    yield* this.#held.over(stored, range);
  }

  /** What nodes have of minutes, under the keys of `partKey`, in order of time, checked by nobody. */
  async *parts(): AsyncGenerator<readonly [key: Uint8Array, bytes: Uint8Array]> {
    yield* this.#parts.iterator({ snapshot: this.#snapshot });
  }

  async close(): Promise<void> {
    await this.#snapshot.close();
  }
}

/**
 * Where the rows of a range can start, in its order; undefined where that is more than `most` times.
 */
function startsWithin(
  series: Series,
  { from, to, reverse = false }: RowRange,
  most: number,
): number[] | undefined {
  const span = spanOf(series);
  const first = Math.ceil(Math.max(0, from) / span) * span;
  if (to - first > most * span) return undefined;
  const starts: number[] = [];
  for (let start = first; start < to; start += span) starts.push(start);
  return reverse ? starts.reverse() : starts;
}

/** Up to where a range was read, in case that the database cannot go on. */
function unreadOf(series: Series, { from, to, reverse = false }: RowRange) {
  let [unreadFrom, unreadTo] = [from, to];
  return {
    read(start: number): void {
      if (reverse) unreadTo = start;
      else unreadFrom = start + spanOf(series);
    },
    /**
     * Tells of the rest as damage.
     * @throws what is no error of the database; RETO3_STORE_FAILING where it was closed meanwhile
     */
    fail(error: unknown, onDamage: OnDamage | undefined): void {
      if (!isDatabaseError(error)) throw error;
      if (wasClosed(error)) {
        const message = 'cannot read on: the store is being opened again';
        throw new Reto3Error('RETO3_STORE_FAILING', message, { cause: error });
      }
      const reason = `LevelDB says: ${messageOf(error)}`;
      reportDamage({ series, from: unreadFrom, to: unreadTo, reason }, onDamage);
    },
  };
}

/** The database, or what was being read of it, was closed: nothing is wrong with what it holds. */
function wasClosed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /_NOT_OPEN$/.test(String(error.code));
}

/** Errors of abstract-level and of LevelDB have codes that begin so. */
function isDatabaseError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('LEVEL_');
}
