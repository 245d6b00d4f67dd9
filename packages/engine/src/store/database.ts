/**
 * Opens and closes the LevelDB database, and translates its failures. The only file that imports
 * `level`.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { type ErrorCode, messageOf, Reto3Error } from '@reto3/core';
import type { AbstractLevel } from 'abstract-level';
import { damagedLogs } from './files/log.ts';
import { fatallyDamagedTables } from './files/table.ts';
import { KnownTables } from './known-tables.ts';

/** What the store needs of a database; LevelDB in production, an in-memory one in tests. */
export type Database = AbstractLevel<string | Buffer | Uint8Array, string, string>;

/**
 * Opens the database in `folder`, making it if there is none and `create` allows it. Holds its lock
 * until closed.
 * @param tables what need not be read to know that it is whole
 * @throws Reto3Error
 */
export async function openDatabase(
  folder: string,
  { create }: { readonly create: boolean } = { create: true },
  tables = new KnownTables(folder),
): Promise<Database> {
  if (!create) {
    await assertHoldsDatabase(folder, 'put the folder back; a running server recovers by itself');
    return openWhole(folder, { createIfMissing: false }, tables);
  }
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    if (isDiskFull(error)) throw diskFull('make', folder, error);
    throw new Reto3Error(
      'RETO3_DATA_UNREADABLE',
      `cannot make the data folder ${folder}: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
  return openWhole(folder, { createIfMissing: true }, tables);
}

/**
 * Opens the database that is in `folder` already. Holds its lock until closed.
 * @throws Reto3Error
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

async function assertHoldsDatabase(folder: string, hint: string): Promise<void> {
  if (await holdsDatabase(folder)) return;
  const message = `cannot open the data folder ${folder}: it holds no counts`;
  throw new Reto3Error('RETO3_DATA_UNREADABLE', message, { hint });
}

/** Whether there is a database in the folder, or what is left of one. */
export async function holdsDatabase(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).some(isDatabaseFile);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw openFailure(folder, error);
  }
}

async function openWhole(
  folder: string,
  options: { readonly createIfMissing: boolean },
  tables: KnownTables,
): Promise<Database> {
  await assertWhole(folder, tables);
  // Loaded only here: it takes longer than a command that opens no folder runs.
  const { Level } = await import('level');
  const database = new Level<string, string>(folder);
  try {
    await database.open(options);
  } catch (error) {
    throw openFailure(folder, error);
  }
  return database;
}

function isDatabaseFile(name: string): boolean {
  return /^(?:CURRENT|MANIFEST-\d+|\d+\.(?:log|ldb|sst))$/.test(name);
}

/**
 * LevelDB makes a new, empty database where CURRENT is missing, and drops bad log records silently:
 * both would turn damage into wrong counts. Some damage in a table ends the process as soon as
 * LevelDB meets it, so a server would start and die for ever.
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
    throw openFailure(folder, error);
  }
  if (damage !== undefined) {
    throw new Reto3Error('RETO3_DATA_CORRUPT', `cannot open the data folder ${folder}: ${damage}`);
  }
}

function openFailure(folder: string, error: unknown): Reto3Error {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const reason = messageOf(cause);
  const failure = (code: ErrorCode, why: string): Reto3Error =>
    new Reto3Error(code, `cannot open the data folder ${folder}: ${why}`, { cause });
  if (isDiskFull(cause)) return diskFull('open', folder, cause);
  switch (codeOf(cause)) {
    case 'LEVEL_LOCKED':
      return failure('RETO3_DATA_LOCKED', 'another server holds it');
    case 'LEVEL_CORRUPTION':
      return failure('RETO3_DATA_CORRUPT', reason);
    case 'LEVEL_IO_ERROR':
      // The folder is there, so a file of the database is missing: the manifest, where a bit of
      // CURRENT flipped. Permissions do not mend that.
      if (reason.endsWith(': No such file or directory'))
        return failure('RETO3_DATA_CORRUPT', reason);
  }
  return failure('RETO3_DATA_UNREADABLE', reason);
}

/** What it means for a server that starts that its first write failed. */
export function firstWriteFailure(folder: string, error: unknown): Reto3Error {
  if (isDiskFull(error)) return diskFull('write to', folder, error);
  if (error instanceof Reto3Error) return error;
  const message = `cannot write to the data folder ${folder}: ${messageOf(error)}`;
  return new Reto3Error('RETO3_DATA_UNREADABLE', message, { cause: error });
}

function diskFull(verb: string, folder: string, cause: unknown): Reto3Error {
  const message = `cannot ${verb} the data folder ${folder}: no space left on its disk`;
  return new Reto3Error('RETO3_DISK_FULL', message, { cause });
}

/** LevelDB has no code of its own for it, only the words of the operating system. */
function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const full = codeOf(error) === 'ENOSPC' || /: No space left on device$/.test(error.message);
  return full || isDiskFull(error.cause);
}

function codeOf(thrown: unknown): unknown {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown
    ? thrown.code
    : undefined;
}
