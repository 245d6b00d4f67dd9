/**
 * Goes over every key of a database as bytes, and deletes what is no whole row of ours: damaged
 * values, keys that name nothing, rows under the key of another.
 */
import { messageOf, Reto3Error } from '../errors.ts';
import { periods, sec } from '../period.ts';
import { decodeWindows } from './codec.ts';
import type { Database } from './database.ts';
import { decodeGone } from './gone.ts';
import { rowName, type Series, sublevelNames, timeKey } from './keys.ts';
import type { Table } from './leveldb-table.ts';
import { decodeMeta } from './meta.ts';
import { lengthOf } from './store.ts';

/** A row that was deleted. */
export interface Dropped {
  /** Its series and start (epoch ms), where its key is one. */
  readonly row: { readonly series: Series; readonly start: number } | undefined;
  /** Its key, printable. */
  readonly key: string;
  readonly reason: string;
}

const seriesNames = ['journal', 'ms10', 'sec', 'min'] as const satisfies readonly Series[];
const raw = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;

/**
 * Deletes every row that is not whole, and says which.
 * @throws Reto3Error RETO3_DATA_VERSION
 */
export async function dropDamaged(database: Database): Promise<Dropped[]> {
  const dropped: Dropped[] = [];
  const keys: Buffer[] = [];
  for await (const [key, value] of database.iterator<Buffer, Buffer>(raw)) {
    const row = rowOf(key);
    const reason = damageOf(key, row, value);
    if (reason === undefined) continue;
    dropped.push({ row, key: nameOf(key), reason });
    keys.push(key);
  }
  await database.batch<Buffer, Buffer>(
    keys.map((key) => ({ type: 'del', key, ...raw })),
    raw,
  );
  return dropped;
}

/**
 * Puts back what whole blocks of damaged tables held, where the database has nothing newer. What is
 * stale among it has a smaller total than another series says, and is found by that.
 */
export async function putBack(database: Database, tables: readonly Table[]): Promise<void> {
  const newest = new Map<string, Table['entries'][number]>();
  for (const entry of tables.flatMap(({ entries }) => entries)) {
    const key = entry.key.toString('latin1');
    const before = newest.get(key);
    if (before === undefined || before.sequence < entry.sequence) newest.set(key, entry);
  }
  for (const { key, value } of newest.values()) {
    if (value === undefined || (await database.has<Buffer>(key, raw))) continue;
    await database.put<Buffer, Buffer>(key, value, raw);
  }
}

/** Why a row cannot be kept; undefined where it is whole. */
function damageOf(key: Buffer, row: Dropped['row'], value: Buffer): string | undefined {
  try {
    if (row !== undefined) {
      decodeWindows(value, lengthOf(row.series), rowName(row.series, row.start));
      return undefined;
    }
    const text = value.toString('utf8');
    switch (key.toString('latin1')) {
      case `!${sublevelNames.meta}!node`:
        decodeMeta(text);
        return undefined;
      case `!${sublevelNames.meta}!gone`:
        return decodeGone(text) === undefined ? 'its checksum does not match' : undefined;
      default:
        return 'its key names nothing';
    }
  } catch (error) {
    // Of another version, not damaged: nothing of it is ours to delete.
    if (error instanceof Reto3Error && error.code === 'RETO3_DATA_VERSION') throw error;
    return messageOf(error);
  }
}

function rowOf(key: Buffer): Dropped['row'] {
  for (const series of seriesNames) {
    const prefix = `!${sublevelNames[series]}!`;
    if (key.length !== prefix.length + 6 || !key.toString('latin1').startsWith(prefix)) continue;
    const start = timeKey.decode(key.subarray(prefix.length));
    const span = series === 'journal' ? sec.windowMs : periods[series].blockMs;
    return start % span === 0 ? { series, start } : undefined;
  }
  return undefined;
}

function nameOf(key: Buffer): string {
  return key.toString('latin1').replaceAll(/[^\x21-\x7e]/g, '.');
}
