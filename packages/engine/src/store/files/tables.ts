/**
 * The tables of a LevelDB folder: which belong to the database, and which of them are damaged. A
 * start reads only tables that it does not know to be intact (known-tables.ts); the doctor reads
 * all of them.
 */
import { readdir } from 'node:fs/promises';
import { liveTables } from './manifest.ts';
import { readIfPresent } from './read-file.ts';
import { type Entry, findFatalDamage, readTable, type Table } from './table.ts';

export function isTable(name: string): boolean {
  return /^\d+\.(?:ldb|sst)$/.test(name);
}

/**
 * The tables that LevelDB reads; all tables if the manifest is damaged. LevelDB deletes the others
 * at its next start: a close or kill interrupted it while it wrote them, or it replaced them.
 */
async function tablesIn(folder: string): Promise<string[]> {
  const live = await liveTables(folder);
  return (await allTablesIn(folder)).filter((name) => isLive(live, name));
}

async function allTablesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter(isTable);
}

function isLive(live: ReadonlySet<number> | undefined, name: string): boolean {
  return live?.has(Number.parseInt(name, 10)) ?? true;
}

/**
 * Damaged tables that do not belong to the database any more, or not yet.
 * @throws Reto3Error RETO3_DATA_UNREADABLE
 */
export async function damagedLeftovers(folder: string): Promise<string[]> {
  const live = await liveTables(folder);
  const leftovers = (await allTablesIn(folder)).filter((name) => !isLive(live, name));
  const damaged: string[] = [];
  for (const file of leftovers) {
    const bytes = await readIfPresent(folder, file);
    if (bytes !== undefined && readTable(bytes).damage !== undefined) damaged.push(file);
  }
  return damaged;
}

/**
 * The damaged tables of the database, with what their intact blocks contain.
 * @throws Reto3Error RETO3_DATA_UNREADABLE if a table cannot be read: nobody knows whether it is
 * damaged
 */
export async function damagedTables(folder: string): Promise<(Table & { file: string })[]> {
  const damaged: (Table & { file: string })[] = [];
  for (const file of await tablesIn(folder)) {
    const bytes = await readIfPresent(folder, file);
    const table = bytes && readTable(bytes);
    if (table?.damage !== undefined) damaged.push({ file, ...table });
  }
  return damaged;
}

/** The newest entry of each key; the keys as latin1 text. */
export function newestOf(entries: Iterable<Entry>): Map<string, Entry> {
  const newest = new Map<string, Entry>();
  for (const entry of entries) {
    const key = entry.key.toString('latin1');
    const before = newest.get(key);
    if (before === undefined || before.sequence < entry.sequence) newest.set(key, entry);
  }
  return newest;
}

/** The newest entry that the tables of a folder have of each of these keys (latin1 text). */
export async function newestInTables(
  folder: string,
  keys: ReadonlyMap<string, unknown>,
): Promise<Map<string, Entry>> {
  const found: Entry[] = [];
  for (const file of await allTablesIn(folder)) {
    const bytes = await readIfPresent(folder, file);
    if (bytes === undefined) continue;
    for (const entry of readTable(bytes).entries)
      if (keys.has(entry.key.toString('latin1'))) found.push(entry);
  }
  return newestOf(found);
}

/** Knows which tables were intact when they were read, and are unchanged since. */
export interface TableMemory {
  /** Whether it knows the table. If not, it remembers the table as it is now, until `forget`. */
  recognize(file: string): Promise<boolean>;
  forget(file: string): void;
}

/**
 * The unknown tables of the database that LevelDB cannot use. Remembers the others.
 * @throws Reto3Error RETO3_DATA_UNREADABLE
 */
export async function fatallyDamagedTables(
  folder: string,
  memory: TableMemory,
): Promise<{ readonly file: string; readonly reason: string }[]> {
  const damaged: { file: string; reason: string }[] = [];
  for (const file of await tablesIn(folder)) {
    if (await memory.recognize(file)) continue;
    let isIntact = false;
    try {
      const bytes = await readIfPresent(folder, file);
      const reason = bytes && findFatalDamage(bytes);
      if (reason !== undefined) damaged.push({ file, reason });
      isIntact = bytes !== undefined && reason === undefined;
    } finally {
      if (!isIntact) memory.forget(file);
    }
  }
  return damaged;
}
