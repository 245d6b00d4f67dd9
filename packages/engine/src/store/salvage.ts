/**
 * Reads every key of a database as bytes, for a repair: deletes damaged values, unknown keys, rows
 * under the key of another, and rows that may be outdated; puts back rows of damaged tables.
 */
import { messageOf, periods, Reto3Error, sec } from '@reto3/core';
import { decodeWindows } from './codec.ts';
import type { Database } from './database.ts';
import type { Entry, KeyRange } from './files/table.ts';
import { decodeGone } from './gone.ts';
import { rowName, type Series, sublevelNames, timeKey, wholeKey } from './keys.ts';
import { decodeMeta, unseal } from './meta.ts';
import { decodeRow, parseKey } from './report-rows.ts';
import { lengthOf } from './rows.ts';
import { decodeSource, isSourceKey } from './source-rows.ts';

/** A deleted row. */
export interface Dropped {
  /** undefined if its key is not one of a row of windows; `start` in epoch ms. */
  readonly row: { readonly series: Series; readonly start: number } | undefined;
  /** Its key, printable. */
  readonly key: string;
  readonly reason: string;
}

const seriesNames = ['journal', 'ms10', 'sec', 'min'] as const satisfies readonly Series[];
const raw = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;

/**
 * Deletes all damaged rows, and returns them.
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
 * Puts back rows from the intact blocks of damaged tables, unless the database has newer ones.
 * @param salvaged the newest entries of those blocks
 * @param elsewhere the newest entries of other tables for the same keys; a value that only the
 * database has comes from its log, and is newer than any table
 * @param lost the keys that damaged blocks may have held
 */
export async function putBack(
  database: Database,
  salvaged: ReadonlyMap<string, Entry>,
  elsewhere: ReadonlyMap<string, Entry>,
  lost: readonly KeyRange[],
): Promise<void> {
  for (const [name, { key, value, sequence }] of salvaged) {
    // The damaged block next to it may have held a newer version.
    const row = rowOf(key);
    if (row !== undefined && mayHaveHeld(lost, row.series, row.start)) continue;
    const other = elsewhere.get(name);
    if (other !== undefined && other.sequence > sequence) continue;
    const there = await database.get<Buffer, Buffer>(key, raw);
    const fromLog = there !== undefined && other?.value?.equals(there) !== true;
    if (fromLog || there?.equals(value ?? Buffer.alloc(0)) === true) continue;
    if (value !== undefined) await database.put<Buffer, Buffer>(key, value, raw);
    else if (there !== undefined) await database.del<Buffer>(key, raw);
  }
}

/**
 * Deletes rows of which a damaged block may have held a newer version. The meta row stays: the
 * anchor reveals an outdated one.
 */
export async function dropStale(database: Database, lost: readonly KeyRange[]): Promise<Dropped[]> {
  const dropped: Dropped[] = [];
  for (const { first, last } of lost) {
    const range = { gte: first, lte: last, keyEncoding: 'buffer' } as const;
    for await (const key of database.keys<Buffer>(range)) {
      const row = rowOf(key);
      if (row === undefined) continue;
      dropped.push({ row, key: nameOf(key), reason: 'its newest version may be lost' });
      await database.del<Buffer>(key, { keyEncoding: 'buffer' });
    }
  }
  return dropped;
}

/** Whether the row of a series at `start` (epoch ms) may have been in one of these key ranges. */
export function mayHaveHeld(lost: readonly KeyRange[], series: Series, start: number): boolean {
  const key = wholeKey(series, timeKey.encode(start));
  return lost.some(
    ({ first, last }) => Buffer.compare(key, first) >= 0 && Buffer.compare(key, last) <= 0,
  );
}

/** The damage of a row; undefined if it is intact. */
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
        return damageOfReport(key, value);
    }
  } catch (error) {
    // Another version wrote the folder: nothing may be deleted.
    if (error instanceof Reto3Error && error.code === 'RETO3_DATA_VERSION') throw error;
    return messageOf(error);
  }
}

const reportPrefix = Buffer.from(`!${sublevelNames.report}!`);

/** The damage of a row of a report or a source; undefined if it is intact. */
function damageOfReport(key: Buffer, value: Buffer): string | undefined {
  const isReport = key.subarray(0, reportPrefix.length).equals(reportPrefix);
  const own = key.subarray(reportPrefix.length);
  if (isReport && isSourceKey(own))
    return decodeSource(own, value) === undefined ? 'it is no position in a log' : undefined;
  const named = isReport ? parseKey(own) : undefined;
  if (named === undefined) return 'its key is unknown';
  if ('facts' in named)
    return unseal(value.toString()) === undefined ? 'its checksum does not match' : undefined;
  decodeRow(value, own, named.period);
  return undefined;
}

/** The row of windows that a key names; undefined if it names none. */
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

/** Printable. */
function nameOf(key: Buffer): string {
  return key.toString('latin1').replaceAll(/[^\x21-\x7e]/g, '.');
}
