/** Recognizes LevelDB's files by name, without loading LevelDB. */
import { readdir } from 'node:fs/promises';
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
    throw openFailure(folder, error);
  }
}

export function isDatabaseFile(name: string): boolean {
  return /^(?:CURRENT|MANIFEST-\d+|\d+\.(?:log|ldb|sst))$/.test(name);
}
