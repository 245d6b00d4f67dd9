/**
 * Repairs a data folder below the level of rows: holds LevelDB's lock meanwhile, and runs LevelDB's
 * own repair. The only file that imports classic-level.
 */
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ErrorCode, messageOf, Reto3Error } from '@reto3/core';
import { codeOf, isDiskFull } from '../database-failure.ts';
import { lockFile } from '../database-files.ts';

/**
 * Calls `work` while no other process can open the folder, without opening its database: that would
 * move files that may be damaged. An empty database elsewhere takes the same lock, because its LOCK
 * is a symbolic link to the folder's.
 *
 * POSIX releases the lock as soon as this process closes any handle of LOCK, which copying LOCK or
 * a failure to open the database does. `work` must then renew it.
 * @throws Reto3Error RETO3_DATA_LOCKED, RETO3_DATA_UNREADABLE, RETO3_DISK_FULL
 */
export async function whileLocked<T>(
  folder: string,
  work: (renewLock: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const beside = await temporaryFolder(folder);
  try {
    await symlink(resolve(folder, lockFile), join(beside, lockFile));
    let lock = await lockedThrough(beside, folder);
    const renewLock = async (): Promise<void> => {
      await lock.close();
      lock = await lockedThrough(beside, folder);
    };
    try {
      return await work(renewLock);
    } finally {
      await lock.close();
    }
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

async function temporaryFolder(folder: string): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), 'reto3-lock-'));
  } catch (error) {
    throw lockFailure(folder, error);
  }
}

/** The database in `beside`, whose lock is that of `folder`. */
async function lockedThrough(beside: string, folder: string): Promise<{ close(): Promise<void> }> {
  const { ClassicLevel } = await import('classic-level');
  const lock = new ClassicLevel(beside);
  try {
    await lock.open();
    return lock;
  } catch (error) {
    throw lockFailure(folder, error instanceof Error ? (error.cause ?? error) : error);
  }
}

function lockFailure(folder: string, cause: unknown): Reto3Error {
  const failure = (code: ErrorCode, why: string, hint: string): Reto3Error =>
    new Reto3Error(code, `cannot repair the data folder ${folder}: ${why}`, { cause, hint });
  if (codeOf(cause) === 'LEVEL_LOCKED')
    return failure(
      'RETO3_DATA_LOCKED',
      `a server holds it (${messageOf(cause)})`,
      'stop that server first',
    );
  if (isDiskFull(cause))
    return failure(
      'RETO3_DISK_FULL',
      `no space left in ${tmpdir()}`,
      'free space there, or set TMPDIR to a folder on another disk',
    );
  return failure(
    'RETO3_DATA_UNREADABLE',
    `it cannot be locked (${messageOf(cause)})`,
    `let this user write to the folder and to ${tmpdir()}`,
  );
}

/** Lets LevelDB recover what it can from its files. @throws Reto3Error RETO3_DATA_UNREADABLE */
export async function repairFiles(folder: string): Promise<void> {
  try {
    const { ClassicLevel } = await import('classic-level');
    await ClassicLevel.repair(folder);
  } catch (cause) {
    const message = `cannot repair the files of ${folder}: ${messageOf(cause)}`;
    throw new Reto3Error('RETO3_DATA_UNREADABLE', message, { cause });
  }
}
