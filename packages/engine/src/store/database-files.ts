/** Tells LevelDB's files by their names, so that nothing else has to be loaded to find some. */
import { readdir } from 'node:fs/promises';
import { codeOf, openFailure } from './database-failure.ts';

/** Whether there is a database in the folder, or what is left of one. */
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
