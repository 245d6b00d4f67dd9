/**
 * The copy that a repair makes before it changes anything, and from which it starts over if it was
 * interrupted.
 *
 * A repair removes damaged tables before it has written their intact rows to others. Ended in
 * between, it would leave a folder that opens, without these rows and without a trace of them. So
 * the file REPAIR, which has the path of the copy, is there from the first change to the last one:
 * nothing but a repair opens such a folder, and that repair first brings the copy's files back.
 */
import { constants } from 'node:fs';
import { access, cp, mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { messageOf, Reto3Error } from '@reto3/core';
import { syncFolder } from '../journal/journal-folder.ts';
import { firstWriteFailure, hintOf, isDiskFull } from '../store/database-failure.ts';
import { isDatabaseFile, isOfDataFolder, lockFile, repairFile } from '../store/database-files.ts';
import { readIfPresent } from '../store/files/read-file.ts';
import { archiveFolderOf, lostAndFound } from '../store/inner-folders.ts';

const untouched = 'nothing was changed';

/**
 * Makes the copy, or brings its files back if a repair was interrupted. Call it under the lock.
 * @param folder absolute, without symbolic links
 * @param nowMs names the copy, epoch ms
 * @param signal aborts the copying
 * @returns the path of the copy
 * @throws Reto3Error RETO3_DISK_FULL, RETO3_DATA_UNREADABLE; the signal's reason
 */
export async function beginRepair(
  folder: string,
  nowMs: number,
  signal: AbortSignal,
): Promise<string> {
  const interrupted = await readIfPresent(folder, repairFile);
  if (interrupted !== undefined) {
    const copy = resolve(folder, interrupted.toString().trim());
    await bringBack(folder, copy);
    return copy;
  }
  const copy = await pathOfCopy(folder, nowMs);
  await copyFolder(folder, copy, signal);
  try {
    const path = join(folder, repairFile);
    // Folder and copy may be moved together.
    await writeFile(`${path}.new`, `${relative(folder, copy)}\n`, { flush: true });
    await rename(`${path}.new`, path);
    await syncFolder(folder);
  } catch (error) {
    throw firstWriteFailure(folder, error);
  }
  return copy;
}

/** Call it once everything is on disk, under the lock. */
export async function endRepair(folder: string): Promise<void> {
  await rm(join(folder, repairFile));
  await syncFolder(folder);
}

const copyPrefix = 'before-repair-';
const partSuffix = '.part';

/**
 * Beside the folder; in it if that is another disk, as of a container's volume, or not writable, as
 * for the user of a service.
 */
async function pathOfCopy(folder: string, nowMs: number): Promise<string> {
  const name = copyPrefix + new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-');
  const above = dirname(folder);
  try {
    await access(above, constants.W_OK);
    const [{ dev }, { dev: devAbove }] = [await stat(folder), await stat(above)];
    if (dev === devAbove) return `${folder}.${name}`;
  } catch {
    // The copying says why if the folder is not writable either.
  }
  return join(folder, name);
}

/** Copies the folder; the copy gets its name once it is complete and on disk. */
async function copyFolder(folder: string, copy: string, signal: AbortSignal): Promise<void> {
  const part = `${copy}${partSuffix}`;
  try {
    await removeParts(copy);
    await mkdir(part, { mode: 0o700 });
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      // A repair leaves the archive alone, which may be a thousand times as large as the counts.
      if (path === archiveFolderOf(folder) || name.startsWith(copyPrefix)) continue;
      if (name === lockFile || name === lostAndFound) continue;
      const filter = (): boolean => {
        signal.throwIfAborted();
        return true;
      };
      await cp(path, join(part, name), { recursive: true, preserveTimestamps: true, filter });
    }
    signal.throwIfAborted();
    await syncTree(part);
    await rename(part, copy);
    await syncFolder(dirname(copy));
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw signal.aborted ? error : copyFailure(folder, copy, error);
  }
}

/** Removes what repairs of the same folder left that were killed while they copied. */
async function removeParts(copy: string): Promise<void> {
  const begin = basename(copy).slice(0, basename(copy).lastIndexOf(copyPrefix) + copyPrefix.length);
  for (const name of await readdir(dirname(copy)))
    if (name.startsWith(begin) && /^[\dTZ-]+\.part$/.test(name.slice(begin.length))) {
      const removed = rm(join(dirname(copy), name), { recursive: true, force: true });
      // They only take space.
      await removed.catch(() => undefined);
    }
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) await syncFile(path);
  }
  await syncFolder(folder);
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.sync().finally(() => file.close());
}

function copyFailure(folder: string, copy: string, cause: unknown): Reto3Error {
  const failed = `cannot copy the data folder ${folder} to ${copy}`;
  if (isDiskFull(cause))
    return new Reto3Error('RETO3_DISK_FULL', `${failed}: no space left on that disk`, {
      cause,
      hint: `free as much space as the folder takes without its archive; ${untouched}`,
    });
  return new Reto3Error('RETO3_DATA_UNREADABLE', `${failed}: ${messageOf(cause)}`, {
    cause,
    hint: `let this user read the folder and write to ${dirname(copy)}; ${untouched}`,
    ...hintOf(cause),
  });
}

/**
 * Replaces the files of the folder by those of the copy, and syncs them. Leaves alone whatever else
 * is in the folder: the repair has not changed it.
 */
async function bringBack(folder: string, copy: string): Promise<void> {
  const copied = await filesInCopy(folder, copy).catch((cause: unknown) => {
    const message = `cannot repair the data folder ${folder}: a repair of it was interrupted, and its copy cannot be read: ${messageOf(cause)}`;
    const hint = 'put the copy back there, or restore a backup into another folder';
    throw new Reto3Error('RETO3_DATA_UNREADABLE', message, { cause, hint });
  });
  try {
    for (const name of await filesIn(folder)) await rm(join(folder, name));
    for (const name of copied) {
      await cp(join(copy, name), join(folder, name), { preserveTimestamps: true });
      await syncFile(join(folder, name));
    }
    await syncFolder(folder);
  } catch (error) {
    throw firstWriteFailure(folder, error);
  }
}

async function filesInCopy(folder: string, copy: string): Promise<string[]> {
  // Nothing else may replace the files of the folder, least of all the folder itself.
  if (copy === folder || !basename(copy).includes(copyPrefix))
    throw new Error(`${copy} is no copy of a repair`);
  const names = await filesIn(copy);
  if (!names.some(isDatabaseFile)) throw new Error(`${copy} holds no counts`);
  return names;
}

/** The files that a repair may change. */
async function filesIn(folder: string): Promise<string[]> {
  const kept: readonly string[] = [lockFile, repairFile];
  return (await readdir(folder)).filter((name) => isOfDataFolder(name) && !kept.includes(name));
}
