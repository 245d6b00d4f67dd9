/** Reads a file of a database that a running server may be using. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, fileUnreadable } from '../database-failure.ts';

/**
 * The bytes of a file; undefined if there is none, or the server that holds the folder has deleted
 * it meanwhile. A file that exists and cannot be read is neither intact nor damaged.
 * @throws Reto3Error RETO3_DATA_UNREADABLE
 */
export async function readIfPresent(folder: string, file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(join(folder, file));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw fileUnreadable(folder, file, error);
  }
}
