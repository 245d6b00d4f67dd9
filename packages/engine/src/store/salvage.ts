/**
 * Goes over every key of a database as bytes, and deletes what is no whole row of ours: damaged
 * values, keys that name nothing, rows under the key of another.
 */
import { messageOf, periods, Reto3Error, sec } from '@reto3/core';
import { decodeWindows } from './codec.ts';
import type { Database } from './database.ts';
import type { Entry, KeyRange } from './files/table.ts';
import { decodeGone } from './gone.ts';
import { rowName, type Series, sublevelNames, timeKey } from './keys.ts';
import { decodeMeta, unseal } from './meta.ts';
import { decodeRow, parseKey } from './report-rows.ts';
import { lengthOf } from './rows.ts';
import { decodeSource, isSourceKey } from './source-rows.ts';

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
 * Puts back what whole blocks of damaged tables held, where the database has nothing newer.
 * @param salvaged the newest of what they held
 * @param elsewhere the newest that other tables have of the same keys; what the database has and
 * they have not comes from its log, and is newer than any table
 */
export async function putBack(
  database: Database,
  salvaged: ReadonlyMap<string, Entry>,
  elsewhere: ReadonlyMap<string, Entry>,
  lost: readonly KeyRange[],
): Promise<void> {
  for (const [name, { key, value, sequence }] of salvaged) {
    // A key at the edge of a damaged block may have its newest version in there.
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
 * Deletes rows of which a damaged block may have held a newer version: what is there now may be one
 * from long before. The meta row stays, since the anchor says whether it is an old one.
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

/** Whether a row may have been in one of these stretches of keys. */
export function mayHaveHeld(lost: readonly KeyRange[], series: Series, start: number): boolean {
  const prefix = Buffer.from(`!${sublevelNames[series]}!`);
  const key = Buffer.concat([prefix, timeKey.encode(start)]);
  return lost.some(({ first, last }) => key.compare(first) >= 0 && key.compare(last) <= 0);
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
        return damageOfReport(key, value);
    }
  } catch (error) {
    // Of another version, not damaged: nothing of it is ours to delete.
    if (error instanceof Reto3Error && error.code === 'RETO3_DATA_VERSION') throw error;
    return messageOf(error);
  }
}

const reportPrefix = Buffer.from(`!${sublevelNames.report}!`);

/** Why what is stored of a report cannot be kept. */
function damageOfReport(key: Buffer, value: Buffer): string | undefined {
  const isReport = key.subarray(0, reportPrefix.length).equals(reportPrefix);
  const own = key.subarray(reportPrefix.length);
  if (isReport && isSourceKey(own))
    return decodeSource(own, value) === undefined ? 'its checksum does not match' : undefined;
  const named = isReport ? parseKey(own) : undefined;
  if (named === undefined) return 'its key names nothing';
  if ('facts' in named)
    return unseal(value.toString()) === undefined ? 'its checksum does not match' : undefined;
  decodeRow(value, own, named.period);
  return undefined;
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
