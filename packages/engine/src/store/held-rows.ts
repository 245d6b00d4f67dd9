/**
 * Rows of reports that the journal holds and the database does not have yet: they lie over the
 * database for every reader, and go into it with the next checkpoint.
 */
import type { HeldRow } from '../journal/record.ts';
import type { ReportRange } from './report-rows.ts';

type Entry = readonly [key: Uint8Array, bytes: Uint8Array];

export class HeldRows {
  readonly #rows: Map<string, HeldRow>;

  constructor(rows: Iterable<readonly [string, HeldRow]> = []) {
    this.#rows = new Map(rows);
  }

  hold(rows: readonly HeldRow[]): void {
    for (const row of rows) this.#rows.set(nameOf(row.key), row);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#rows.get(nameOf(key))?.bytes;
  }

  all(): HeldRow[] {
    return [...this.#rows.values()];
  }

  /** Lets go of rows that the database has, unless they have changed since. */
  release(rows: readonly HeldRow[]): void {
    for (const row of rows) {
      const name = nameOf(row.key);
      if (this.#rows.get(name) === row) this.#rows.delete(name);
    }
  }

  /** @returns the keys of what was deleted */
  deleteRange({ gte, lt }: ReportRange): Uint8Array[] {
    const deleted: Uint8Array[] = [];
    for (const [name, { key }] of this.#rows) {
      if (Buffer.compare(key, gte) < 0 || Buffer.compare(key, lt) >= 0) continue;
      this.#rows.delete(name);
      deleted.push(key);
    }
    return deleted;
  }

  copy(): HeldRows {
    return new HeldRows(this.#rows);
  }

  /** The rows of a range, laid over those of the database, in the order of that range. */
  async *over(stored: AsyncIterable<Entry>, range: ReportRange): AsyncGenerator<Entry> {
    const { gte, lt, reverse = false } = range;
    const held = [...this.#rows.values()]
      .filter(({ key }) => Buffer.compare(key, gte) >= 0 && Buffer.compare(key, lt) < 0)
      .sort((a, b) => (reverse ? -1 : 1) * Buffer.compare(a.key, b.key));
    let next = held.shift();
    for await (const [key, bytes] of stored) {
      for (; next !== undefined; next = held.shift()) {
        const order = (reverse ? -1 : 1) * Buffer.compare(next.key, key);
        if (order >= 0) break;
        yield [next.key, next.bytes];
      }
      if (next !== undefined && Buffer.compare(next.key, key) === 0) {
        yield [next.key, next.bytes];
        next = held.shift();
      } else yield [key, bytes];
    }
    for (; next !== undefined; next = held.shift()) yield [next.key, next.bytes];
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
