/**
 * Rows of reports and sources that the journal contains and the database does not yet. They overlay
 * the database for every reader, and the next checkpoint writes them to it.
 */
import type { HeldRow } from '../journal/record.ts';
import { overlaid } from './overlaid.ts';
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

  /** Removes rows that the database contains, unless they have changed since. */
  release(rows: readonly HeldRow[]): void {
    for (const row of rows) {
      const name = nameOf(row.key);
      if (this.#rows.get(name) === row) this.#rows.delete(name);
    }
  }

  /** Returns the keys of the deleted rows. */
  deleteRange(range: ReportRange): Uint8Array[] {
    const deleted: Uint8Array[] = [];
    for (const [name, { key }] of this.#rows) {
      if (!isWithin(key, range)) continue;
      this.#rows.delete(name);
      deleted.push(key);
    }
    return deleted;
  }

  copy(): HeldRows {
    return new HeldRows(this.#rows);
  }

  /**
   * Overlays the rows of the database.
   * @param stored the rows that the database has in `range`, in its order
   */
  over(stored: AsyncIterable<Entry>, range: ReportRange): AsyncGenerator<Entry> {
    const order = range.reverse === true ? -1 : 1;
    const compare = ([a]: Entry, [b]: Entry): number => order * Buffer.compare(a, b);
    const held = this.all()
      .filter(({ key }) => isWithin(key, range))
      .map(({ key, bytes }): Entry => [key, bytes]);
    return overlaid(stored, held.sort(compare), compare);
  }
}

function isWithin(key: Uint8Array, { gte, lt }: ReportRange): boolean {
  return Buffer.compare(key, gte) >= 0 && Buffer.compare(key, lt) < 0;
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
