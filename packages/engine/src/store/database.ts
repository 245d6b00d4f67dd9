/**
 * Opens the LevelDB database of a data folder, once its files are verified: LevelDB itself would
 * turn some damage into wrong counts. The only file that imports `level`.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { messageOf, Reto3Error } from '@reto3/core';
import type { AbstractLevel } from 'abstract-level';
import { diskFull, isDiskFull, openFailure } from './database-failure.ts';
import {
  hintOfFile,
  holdsDatabase,
  isArchive,
  isDatabaseFile,
  repairFile,
} from './database-files.ts';
import { damagedLogs } from './files/log.ts';
import { fatallyDamagedTables } from './files/tables.ts';
import { KnownTables } from './known-tables.ts';

/** LevelDB; in tests, a database in memory. */
export type Database = AbstractLevel<string | Buffer | Uint8Array, string, string>;

export interface OpenOptions {
  /** Whether to make the database if there is none. */
  readonly create: boolean;
  /** How many files LevelDB may keep open, at least 74; 1,000 by default. */
  readonly mostOpenFiles?: number;
}

/**
 * Opens the database in `folder`. Holds its lock until it is closed.
 * @param tables the tables that need no verification
 * @throws Reto3Error RETO3_DATA_UNREADABLE, RETO3_DATA_CORRUPT, RETO3_DATA_LOCKED, RETO3_DISK_FULL
 */
export async function openDatabase(
  folder: string,
  { create, mostOpenFiles }: OpenOptions = { create: true },
  tables = new KnownTables(folder),
): Promise<Database> {
  const options = {
    createIfMissing: create,
    ...(mostOpenFiles !== undefined && { maxOpenFiles: mostOpenFiles }),
  };
  if (!create) {
    await assertHoldsDatabase(folder, 'put the folder back; a running server recovers by itself');
    return openWhole(folder, options, tables);
  }
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    if (isDiskFull(error)) throw diskFull('make', folder, error);
    const message = `cannot make the data folder ${folder}: ${messageOf(error)}`;
    const details = { cause: error, ...(await hintOfFile(folder)) };
    throw new Reto3Error('RETO3_DATA_UNREADABLE', message, details);
  }
  if (!(await holdsDatabase(folder)) && (await isArchive(folder))) {
    const message = `cannot make a database in ${folder}: it is an archive`;
    throw new Reto3Error('RETO3_DATA_UNREADABLE', message, { hint: hintOfArchive(folder) });
  }
  return openWhole(folder, options, tables);
}

/**
 * Opens the database of a folder that no server holds. Holds its lock until it is closed.
 * @throws Reto3Error as `openDatabase`
 */
export async function openExistingDatabase(folder: string): Promise<Database> {
  await assertHoldsDatabase(folder, 'name the --data-dir of a server');
  try {
    return await openWhole(folder, { createIfMissing: false }, new KnownTables(folder));
  } catch (error) {
    if (!(error instanceof Reto3Error) || error.code !== 'RETO3_DATA_LOCKED') throw error;
    const hint = 'ask that server instead, without --data-dir, or stop it first';
    throw new Reto3Error(error.code, error.message, { cause: error.cause, hint });
  }
}

/**
 * Opens the database for a repair that is under way, so that nobody else can open it until then.
 * @throws Reto3Error as `openDatabase`
 */
export function openForRepair(folder: string): Promise<Database> {
  return openVerified(folder, { createIfMissing: false }, new KnownTables(folder));
}

async function assertHoldsDatabase(folder: string, hint: string): Promise<void> {
  if (await holdsDatabase(folder)) return;
  const message = `cannot open the data folder ${folder}: it holds no counts`;
  const isInner = existsSync(folder) && (await isArchive(folder));
  throw new Reto3Error('RETO3_DATA_UNREADABLE', message, {
    hint: isInner ? hintOfArchive(folder) : hint,
  });
}

function hintOfArchive(folder: string): string {
  return `name the data folder above it, ${dirname(resolve(folder))}`;
}

/** As LevelDB names them. */
interface LevelOptions {
  readonly createIfMissing: boolean;
  readonly maxOpenFiles?: number;
}

async function openWhole(
  folder: string,
  options: LevelOptions,
  tables: KnownTables,
): Promise<Database> {
  assertRepaired(folder);
  const database = await openVerified(folder, options, tables);
  try {
    // Under the lock: a repair may have begun since.
    assertRepaired(folder);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function openVerified(
  folder: string,
  options: LevelOptions,
  tables: KnownTables,
): Promise<Database> {
  await assertWhole(folder, tables);
  // Loaded only here: that takes longer than a command that opens no folder.
  const { Level } = await import('level');
  const database = new Level<string, string>(folder);
  try {
    await database.open(options);
  } catch (error) {
    throw openFailure(folder, error);
  }
  return database;
}

/** @throws Reto3Error RETO3_DATA_CORRUPT */
function assertRepaired(folder: string): void {
  if (!existsSync(join(folder, repairFile))) return;
  const message = `cannot open the data folder ${folder}: its repair is not complete`;
  throw new Reto3Error('RETO3_DATA_CORRUPT', message, {
    hint: 'run reto3 doctor --repair, which starts over from its copy',
  });
}

/**
 * LevelDB creates an empty database if CURRENT is missing, and skips bad log records silently: both
 * would turn damage into wrong counts. Some damage in a table ends the process as soon as LevelDB
 * reads it, so a server would start and crash for ever.
 * @throws Reto3Error RETO3_DATA_CORRUPT, RETO3_DATA_UNREADABLE
 */
async function assertWhole(folder: string, tables: KnownTables): Promise<void> {
  let damage: string | undefined;
  try {
    await tables.load();
    const names = await readdir(folder);
    const hasDatabase = names.some(isDatabaseFile);
    const [log] = await damagedLogs(folder);
    const [table] = await fatallyDamagedTables(folder, tables);
    if (hasDatabase && !names.includes('CURRENT')) damage = 'its file CURRENT is missing';
    else if (log !== undefined) damage = `its file ${log.file} is damaged at byte ${log.offset}`;
    else if (table !== undefined) damage = `its file ${table.file} is damaged: ${table.reason}`;
  } catch (error) {
    throw error instanceof Reto3Error ? error : openFailure(folder, error);
  }
  if (damage !== undefined) {
    throw new Reto3Error('RETO3_DATA_CORRUPT', `cannot open the data folder ${folder}: ${damage}`);
  }
}
