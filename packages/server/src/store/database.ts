/**
 * Opens and closes the LevelDB database, and translates its failures. The only file that imports
 * `level`.
 */
import { mkdir, readdir } from 'node:fs/promises';
import type { AbstractLevel } from 'abstract-level';
import { Level } from 'level';
import { messageOf, Reto3Error } from '../errors.ts';
import { damagedLogs } from './leveldb-log.ts';

/** What the store needs of a database; LevelDB in production, an in-memory one in tests. */
export type Database = AbstractLevel<string | Buffer | Uint8Array, string, string>;

/**
 * Opens the database in `folder`, making it if there is none. Holds its lock until closed.
 * @throws Reto3Error
 */
export async function openDatabase(folder: string): Promise<Database> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new Reto3Error(
      'RETO3_DATA_UNREADABLE',
      `cannot make the data folder ${folder}: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
  await assertWhole(folder);
  const database = new Level<string, string>(folder);
  try {
    await database.open();
  } catch (error) {
    throw openFailure(folder, error);
  }
  return database;
}

/**
 * LevelDB makes a new, empty database where CURRENT is missing, and drops bad log records silently:
 * both would turn damage into wrong counts.
 * @throws Reto3Error RETO3_DATA_CORRUPT, RETO3_DATA_UNREADABLE
 */
async function assertWhole(folder: string): Promise<void> {
  let damage: string | undefined;
  try {
    const names = await readdir(folder);
    const hasDatabase = names.some((name) => /^(?:MANIFEST-\d+|\d+\.(?:log|ldb|sst))$/.test(name));
    const [log] = await damagedLogs(folder);
    if (hasDatabase && !names.includes('CURRENT')) damage = 'its file CURRENT is missing';
    else if (log !== undefined) damage = `its file ${log.file} is damaged at byte ${log.offset}`;
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
  switch (codeOf(cause)) {
    case 'LEVEL_LOCKED':
      return new Reto3Error(
        'RETO3_DATA_LOCKED',
        `cannot open the data folder ${folder}: another server holds it`,
        {
          cause,
        },
      );
    case 'LEVEL_CORRUPTION':
      return new Reto3Error(
        'RETO3_DATA_CORRUPT',
        `cannot open the data folder ${folder}: ${reason}`,
        {
          cause,
        },
      );
    default:
      return new Reto3Error(
        'RETO3_DATA_UNREADABLE',
        `cannot open the data folder ${folder}: ${reason}`,
        {
          cause,
        },
      );
  }
}

function codeOf(thrown: unknown): unknown {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown
    ? thrown.code
    : undefined;
}
