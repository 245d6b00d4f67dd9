/**
 * Writes a file whole or not at all: under another name first, on the disk before it takes its
 * name. A file of that name from before is replaced at that moment, and kept until then.
 */
import { createWriteStream } from 'node:fs';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { messageOf, Reto3Error } from '@reto3/server/errors';
import { withProgress } from './terminal/progress.ts';

const updateMs = 100;

/**
 * Shows on a terminal how much is written.
 * @param write writes everything, and need not end the stream
 * @param check looks at what was written, under its first name
 * @throws Reto3Error RETO3_FILE_UNWRITABLE, and what `write` throws
 */
export async function writeWhole<T>(
  path: string,
  write: (into: Writable) => Promise<T>,
  check?: (written: string) => Promise<void>,
): Promise<T> {
  const target = await fileToReplace(path);
  const part = `${target}.part-${process.pid}`;
  const into = createWriteStream(part, { flush: true });
  let failure: Error | undefined;
  into.once('error', (error) => {
    failure = error;
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
    await rename(part, target);
    await syncFolder(dirname(target));
    return result;
  } catch (error) {
    into.destroy();
    await rm(part, { force: true });
    const cause = failure ?? error;
    if (failure === undefined && error instanceof Reto3Error) throw error;
    const message = `cannot write ${path}: ${messageOf(cause)}`;
    throw new Reto3Error('RETO3_FILE_UNWRITABLE', message, { cause });
  }
}

/**
 * The file that is to be replaced: where the path is a link, what it leads to, and the link stays.
 * @throws Reto3Error RETO3_FILE_UNWRITABLE where it is no file: a device such as /dev/null would be
 * replaced as well, and is nobody's to replace
 */
export async function fileToReplace(path: string): Promise<string> {
  let isFile: boolean;
  try {
    isFile = (await stat(path)).isFile();
  } catch {
    // There is nothing yet; or whoever writes to it will be told why that cannot be.
    return path;
  }
  if (isFile) return realpath(path);
  throw new Reto3Error('RETO3_FILE_UNWRITABLE', `cannot write ${path}: it is there, and no file`);
}

/** A new name is on the disk when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  await handle.sync().finally(() => handle.close());
}
