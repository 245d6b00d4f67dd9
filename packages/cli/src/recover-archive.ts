/** Makes the archive of a data folder agree with its counts, before these change. */
import { existsSync } from 'node:fs';
import { archiveFolderOf } from '@reto3/engine';
import { noteOnStderr } from './terminal/notes.ts';

export function hasArchive(dataDir: string): boolean {
  return existsSync(archiveFolderOf(dataDir));
}

/**
 * @param writes the number of writes in the store
 * @throws what `recoverArchive` throws
 */
export async function recoverArchiveIn(dataDir: string, writes: number): Promise<void> {
  const { cutOffTexts, recoverArchive } = await import('@reto3/archive');
  for (const text of cutOffTexts(recoverArchive(archiveFolderOf(dataDir), writes)))
    noteOnStderr(text);
}
