/**
 * Writes a file atomically: under a temporary name, synced, then renamed. An existing file is kept
 * until then, and passes its mode and owner on to the new one. A process that ends early leaves
 * nothing behind.
 */
import { constants, createWriteStream, rmSync, type Stats } from 'node:fs';
import {
  access,
  type FileHandle,
  open,
  readlink,
  realpath,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { messageOf, Reto3Error } from '@reto3/core';
import { withCleanUp } from './clean-up.ts';
import { withProgress } from './terminal/progress.ts';

const updateMs = 100;
const ownerOnly = 0o600;

/** The users who may read a new file. */
export type Audience =
  /** Its owner only, because it contains data that clients sent. */
  | 'owner'
  /** Those that the umask allows, because it contains only counts. */
  | 'umask';

/**
 * Writes through a stream, with progress on a terminal.
 * @param write need not end the stream; a failure of its source is a Reto3Error
 * @param check verifies the file while it has its temporary name
 * @throws Reto3Error RETO3_FILE_UNWRITABLE, and what `write` throws
 */
export function writeFileAtomically<T>(
  path: string,
  audience: Audience,
  write: (into: Writable) => Promise<T>,
  check?: (written: string) => Promise<void>,
): Promise<T> {
  return createFileAtomically(path, audience, async (part) => {
    const into = createWriteStream(part, { flags: 'r+' });
    let failure: Error | undefined;
    into.once('error', (error) => {
      // A pipeline passes the error of its source on to the file.
      if (!(error instanceof Reto3Error)) failure = error;
    });
    try {
      const result = await withProgress(`writing ${path}`, async (update) => {
        const written = setInterval(() => update({ bytes: into.bytesWritten }), updateMs);
        try {
          return await write(into);
        } finally {
          clearInterval(written);
        }
      });
      into.end();
      await finished(into);
      if (check !== undefined) await withProgress(`reading ${path} back`, () => check(part));
      return result;
    } catch (error) {
      into.destroy();
      throw failure === undefined ? error : unwritable(path, failure);
    }
  });
}

/**
 * Checks that a file can be written, before the work on an answer that takes long.
 * @param path if undefined, there is nothing to check
 * @throws Reto3Error RETO3_FILE_UNWRITABLE
 */
export async function assertWritable(path: string | undefined): Promise<void> {
  if (path === undefined) return;
  try {
    const { target } = await writableTarget(path);
    await access(dirname(target), constants.W_OK);
  } catch (error) {
    throw error instanceof Reto3Error ? error : unwritable(path, error);
  }
}

/**
 * @param make writes into the given file, which exists and is empty
 * @throws Reto3Error RETO3_FILE_UNWRITABLE, and what `make` throws
 */
export async function createFileAtomically<T>(
  path: string,
  audience: Audience,
  make: (part: string) => Promise<T>,
): Promise<T> {
  try {
    const { target, before } = await writableTarget(path);
    const part = `${target}.part-${process.pid}`;
    await rm(part, { force: true });
    // Created exclusively, so that nobody can have put a link there.
    await (await open(part, 'wx', ownerOnly)).close();
    return await withCleanUp(
      () => rmSync(part, { force: true }),
      async () => {
        try {
          const result = await make(part);
          await finish(part, before, audience);
          await rename(part, target);
          await syncFolder(dirname(target));
          return result;
        } catch (error) {
          await rm(part, { force: true });
          throw error;
        }
      },
    );
  } catch (error) {
    throw error instanceof Reto3Error ? error : unwritable(path, error);
  }
}

function unwritable(path: string, cause: unknown): Reto3Error {
  const message = `cannot write ${path}: ${messageOf(cause)}`;
  return new Reto3Error('RETO3_FILE_UNWRITABLE', message, { cause });
}

/** The file to write, and the state of an existing one. @throws Reto3Error RETO3_FILE_UNWRITABLE */
async function writableTarget(
  path: string,
): Promise<{ target: string; before: Stats | undefined }> {
  const target = await targetOf(path);
  const before = await stat(target).catch(() => undefined);
  if (before?.isFile() === false) {
    const message = `cannot write ${path}: it exists and is not a regular file`;
    throw new Reto3Error('RETO3_FILE_UNWRITABLE', message);
  }
  return { target, before };
}

/** The file to write: the target of a link, even if it does not exist. */
async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const link = await readlink(path).catch(() => undefined);
    // A link to itself has no target.
    if (link === undefined) return path;
    if (!isMissing(error)) throw error;
    return targetOf(resolve(await realpath(dirname(path)), link));
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** Sets the mode and owner of the file, and syncs it. */
async function finish(part: string, before: Stats | undefined, audience: Audience): Promise<void> {
  const file = await open(part, 'r+');
  try {
    if (before !== undefined) await file.chmod(before.mode & (await keptBits(file, before)));
    else if (audience === 'umask') await file.chmod(0o666 & ~process.umask());
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Gives the file the owner and group of the old one, as far as this user may.
 * @returns the mode bits that may be copied
 */
async function keptBits(file: FileHandle, { uid, gid }: Stats): Promise<number> {
  const own = await file.stat();
  if (own.uid !== uid || own.gid !== gid) {
    try {
      await file.chown(uid, gid);
    } catch {
      // The user may be a member of that group. If not, the group's bits must not be copied.
      if (own.gid !== gid && !(await given(file.chown(own.uid, gid)))) return 0o707;
    }
  }
  return 0o777;
}

function given(work: Promise<void>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

/** A new name is durable once its folder is synced. */
async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open folders, and its file systems journal new names.
  if (process.platform === 'win32') return;
  const handle = await open(folder);
  await handle.sync().finally(() => handle.close());
}
