/**
 * Repairs a data folder below the level of rows: holds LevelDB's lock meanwhile, and runs LevelDB's
 * own repair. The only file that imports classic-level.
 */
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { messageOf, Reto3Error } from '@reto3/core';

/**
 * Calls `work` while no server can open the folder, without opening its database: that would move
 * files that may be damaged. An empty database elsewhere takes the same lock, because its LOCK is a
 * symbolic link to the folder's.
 * @throws Reto3Error RETO3_DATA_LOCKED
 */
export async function whileLocked<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const beside = await mkdtemp(join(tmpdir(), 'reto3-lock-'));
  try {
    await symlink(resolve(folder, 'LOCK'), join(beside, 'LOCK'));
    const { ClassicLevel } = await import('classic-level');
    const lock = new ClassicLevel(beside);
    try {
      await lock.open();
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new Reto3Error(
        'RETO3_DATA_LOCKED',
        `cannot repair the data folder ${folder}: a server holds it (${messageOf(cause)})`,
        { cause, hint: 'stop that server first' },
      );
    }
    try {
      return await work();
    } finally {
      await lock.close();
    }
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
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
