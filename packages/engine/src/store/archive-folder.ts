import { join } from 'node:path';

/** Where the messages of a data folder are archived: no part of its counts, so no repair copies it. */
export function archiveFolderOf(dataDir: string): string {
  return join(dataDir, 'archive');
}
