/** Reads the entries of a database from its files, without opening it. */
import { readdir } from 'node:fs/promises';
import { entriesOfBatch } from './batch.ts';
import { intactRecordsOf, isLog } from './log.ts';
import { readIfPresent } from './read-file.ts';
import { type Entry, readTable } from './table.ts';
import { isTable } from './tables.ts';

/**
 * Everything in the intact blocks of tables and the intact records of logs, in no order; also older
 * versions of an entry, and deleted ones. Memory: one file.
 * @throws Reto3Error RETO3_DATA_UNREADABLE
 */
export async function* entriesIn(folder: string): AsyncGenerator<Entry> {
  for (const file of await readdir(folder)) {
    if (!isTable(file) && !isLog(file)) continue;
    const bytes = await readIfPresent(folder, file);
    if (bytes === undefined) continue;
    if (isTable(file)) yield* readTable(bytes).entries;
    else for (const record of intactRecordsOf(bytes)) yield* entriesOfBatch(record);
  }
}
