/**
 * A fixed view of all rows of the store, as they were at one moment. Reports rows that cannot be
 * read as damage; if the database fails during a read, the rest of the range is damage too.
 */
import { messageOf, type OnDamage, Reto3Error, reportDamage } from '@reto3/core';
import type { AbstractSnapshot } from 'abstract-level';
import { codeOf, isDatabaseError } from './database-failure.ts';
import { HeldRows } from './held-rows.ts';
import { metaKeys, partKey, type Series } from './keys.ts';
import type { ReportRange } from './report-rows.ts';
import { type EncodedRow, type Row, type RowRange, rowOf, spanOf } from './rows.ts';
import type { Handles } from './sublevels.ts';

/**
 * Up to so many rows are read one by one on this thread: an iterator goes through the thread pool
 * three times, which takes ten times as long as its work there. The newest windows, the most
 * frequent query, are in at most two blocks.
 */
const maxPointReads = 2;
/** The same if only their presence counts, which takes a few µs each: the sec blocks of a day. */
const maxPresenceReads = 24;

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
   * The rows of a series that start within the range, in its order. Damaged ones go to `onDamage`
   * instead, or are thrown if there is none.
   * @throws Reto3Error RETO3_BLOCK_DAMAGED; RETO3_STORE_FAILING if the store is closed meanwhile
   */
  async *rows(series: Series, range: RowRange, onDamage?: OnDamage): AsyncGenerator<Row> {
    if (range.from >= range.to) return;
    const rest = unreadOf(series, range);
    const starts = startsWithin(series, range, maxPointReads);
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

  /** The starts of the rows of a series within the range, intact or not, in its order; epoch ms. */
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
   * A node's part of the minute that starts at `start` (epoch ms), as stored, unverified. An error
   * of LevelDB goes to `onDamage`, or is thrown if there is none.
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
    const starts = startsWithin(series, range, maxPresenceReads);
    if (starts !== undefined) return this.#present(series, starts);
    return this.#rows[series].keys(this.#options(range));
  }

  #options({ from, to, reverse = false }: RowRange) {
    return { gte: Math.max(0, from), lt: to, reverse, snapshot: this.#snapshot };
  }

  /** Reads rows one by one; skips those that do not exist. */
  *#points(series: Series, starts: readonly number[]): Generator<[number, Uint8Array]> {
    for (const start of starts) {
      const bytes = this.#rows[series].getSync(start, { snapshot: this.#snapshot });
      if (bytes !== undefined) yield [start, bytes];
    }
  }

  *#present(series: Series, starts: readonly number[]): Generator<number> {
    for (const [start] of this.#points(series, starts)) yield start;
  }

  /** A row of the sublevel meta, as stored. */
  async text(name: keyof typeof metaKeys): Promise<string | undefined> {
    return this.#meta.get(metaKeys[name], { snapshot: this.#snapshot });
  }

  /** The rows of a series as stored, unverified, in order of time. */
  async *encodedRows(series: Series, range: RowRange): AsyncGenerator<EncodedRow> {
    const iterator = this.#rows[series].iterator({
      gte: Math.max(0, range.from),
      lt: range.to,
      snapshot: this.#snapshot,
    });
    for await (const [start, bytes] of iterator) yield { start, bytes };
  }

  /** The rows of reports and sources as stored, unverified, in order of their keys. */
  async *reports(
    range: ReportRange,
  ): AsyncGenerator<readonly [key: Uint8Array, bytes: Uint8Array]> {
    const { gte, lt, reverse = false } = range;
    const stored = this.#reports.iterator({ gte, lt, reverse, snapshot: this.#snapshot });
    yield* this.#held.over(stored, range);
  }

  /** The parts of all nodes as stored, unverified, under keys of `partKey`, in order of time. */
  async *parts(): AsyncGenerator<readonly [key: Uint8Array, bytes: Uint8Array]> {
    yield* this.#parts.iterator({ snapshot: this.#snapshot });
  }

  async close(): Promise<void> {
    await this.#snapshot.close();
  }
}

/** The possible starts of rows in a range, in its order; undefined if there are more than `max`. */
function startsWithin(
  series: Series,
  { from, to, reverse = false }: RowRange,
  max: number,
): number[] | undefined {
  const span = spanOf(series);
  const first = Math.ceil(Math.max(0, from) / span) * span;
  if (to - first > max * span) return undefined;
  const starts: number[] = [];
  for (let start = first; start < to; start += span) starts.push(start);
  return reverse ? starts.reverse() : starts;
}

/** Tracks which part of a range is unread, for when the database fails. */
function unreadOf(series: Series, { from, to, reverse = false }: RowRange) {
  let [unreadFrom, unreadTo] = [from, to];
  return {
    read(start: number): void {
      if (reverse) unreadTo = start;
      else unreadFrom = start + spanOf(series);
    },
    /**
     * Reports the unread part as damage.
     * @throws any error that is not the database's; RETO3_STORE_FAILING if that was closed
     * meanwhile
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

/** Whether the database, snapshot or iterator was closed, which is no damage. */
function wasClosed(error: unknown): boolean {
  return String(codeOf(error)).endsWith('_NOT_OPEN');
}
