/** Recognizes the files of a data folder by name, without loading LevelDB. */
import { open, readdir, stat } from 'node:fs/promises';
import { Reto3Error } from '@reto3/core';
import { codeOf, openFailure } from './database-failure.ts';

/**
 * Whether the folder contains a database, or the remains of one.
 * @throws Reto3Error RETO3_DATA_UNREADABLE
 */
export async function holdsDatabase(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).some(isDatabaseFile);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    const { code, message, hint } = openFailure(folder, error);
    throw new Reto3Error(code, message, { cause: error, hint, ...(await hintOfFile(folder)) });
  }
}

/** The first bytes of a backup. */
export const backupMagic = Buffer.from('RETO3BAK', 'latin1');

/** What to name instead of a file that was given as a data folder; nothing for anything else. */
export async function hintOfFile(path: string): Promise<{ readonly hint?: string }> {
  const begin = await beginOf(path);
  if (begin === undefined) return {};
  if (!begin.equals(backupMagic)) return { hint: 'choose another --data-dir, which is a folder' };
  return { hint: `it is a backup: run reto3 restore ${path} --data-dir NEW, and name that folder` };
}

/** The first bytes of a regular file; undefined if they cannot be read. */
async function beginOf(path: string): Promise<Buffer | undefined> {
  try {
    if (!(await stat(path)).isFile()) return undefined;
    const file = await open(path);
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(backupMagic.length));
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

/** Whether the folder is the archive inside a data folder, in which no database may be made. */
export async function isArchive(folder: string): Promise<boolean> {
  const names = await readdir(folder);
  return names.some((name) => name === 'segments' || /^date=\d{4}-\d\d-\d\d$/.test(name));
}

export function isDatabaseFile(name: string): boolean {
  return /^(?:CURRENT|REPAIR|MANIFEST-\d+|\d+\.(?:log|ldb|sst))$/.test(name);
}

/** Whether a file of a data folder has that name, as opposed to one that somebody put there. */
export function isOfDataFolder(name: string): boolean {
  return (
    isDatabaseFile(name) ||
    /^(?:LOCK|LOG|LOG\.old|\d+\.dbtmp|(?:ANCHOR|TABLES)(?:\.new)?|REPAIR\.new|JOURNAL-\w+)$/.test(
      name,
    )
  );
}

/** LevelDB's lock. POSIX releases it as soon as its process closes any handle of this file. */
export const lockFile = 'LOCK';

/** Exists while a repair is not complete: only a repair opens such a folder (doctor/copy.ts). */
export const repairFile = 'REPAIR';
