/**
 * Keeps a data folder usable for its owner. LevelDB makes new files whenever it opens a folder: if
 * root runs a command on the folder of a service, the service could not open them.
 *
 * The owner may swap files and folders meanwhile, so that root would give away files of others.
 * Hence everything goes through open handles, and only files that a data folder has are given, and
 * those of its archive.
 */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from './database-failure.ts';
import { isOfDataFolder } from './database-files.ts';
import { archiveFolderOf, mergerFolderOf } from './inner-folders.ts';

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/**
 * Files are gone or no files, or root has no right to give them, or is one of a container that does
 * not know the owner.
 */
const harmless = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EPERM', 'EINVAL'];

const ofFolder = O_RDONLY | O_DIRECTORY;
const ofFile = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

/**
 * Gives what root owns in a data folder, and in the merger's folder inside it, to the owner of the
 * folder. Call it while the database is closed: it opens LOCK, which would release the lock.
 */
export async function giveToOwner(folder: string): Promise<void> {
  await withOwner(folder, async (held, owner) => {
    await giveFiles(held, owner);
    const merger = mergerFolderOf(pathOf(held));
    await withHandle(merger, ofFolder | O_NOFOLLOW, async (inner) => {
      if ((await inner.stat()).uid === 0) await inner.chown(owner.uid, owner.gid);
      await giveFiles(inner, owner);
    });
  });
}

/** The same for the archive in a data folder, all of it. Call it after writing to the archive. */
export async function giveArchiveToOwner(folder: string): Promise<void> {
  await withOwner(folder, (held, owner) => giveTree(archiveFolderOf(pathOf(held)), owner));
}

/** Calls `use` if this is root and the folder is somebody else's. */
async function withOwner(
  folder: string,
  use: (held: FileHandle, owner: Stats) => Promise<void>,
): Promise<void> {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return;
  await withHandle(folder, ofFolder, async (held) => {
    const owner = await held.stat();
    if (owner.uid !== 0) await use(held, owner);
  });
}

async function giveTree(path: string, owner: Stats): Promise<void> {
  await withHandle(path, ofFolder | O_NOFOLLOW, async (held) => {
    if ((await held.stat()).uid === 0) await held.chown(owner.uid, owner.gid);
    for (const entry of await readdir(pathOf(held), { withFileTypes: true })) {
      const inner = join(pathOf(held), entry.name);
      await (entry.isDirectory() ? giveTree(inner, owner) : giveFile(inner, owner));
    }
  });
}

/** The path of an open folder, whatever has its name now. */
function pathOf({ fd }: FileHandle): string {
  return `/proc/self/fd/${fd}`;
}

async function giveFiles(folder: FileHandle, owner: Stats): Promise<void> {
  for (const name of (await readdir(pathOf(folder))).filter(isOfDataFolder))
    await giveFile(join(pathOf(folder), name), owner);
}

async function giveFile(path: string, { uid, gid }: Stats): Promise<void> {
  await withHandle(path, ofFile, async (file) => {
    const found = await file.stat();
    // With a second name, it may be a file from elsewhere.
    if (found.isFile() && found.uid === 0 && found.nlink === 1) await file.chown(uid, gid);
  });
}

async function withHandle(
  path: string,
  flags: number,
  use: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  try {
    const handle = await open(path, flags);
    await use(handle).finally(() => handle.close());
  } catch (error) {
    if (!harmless.includes(String(codeOf(error)))) throw error;
  }
}
