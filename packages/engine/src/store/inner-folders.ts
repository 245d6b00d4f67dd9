/** What lies in a data folder beside the counts, in folders of its own. */
import { join } from 'node:path';

/** Where the messages of a data folder are archived: no part of its counts, so no repair copies it. */
export function archiveFolderOf(dataDir: string): string {
  return join(dataDir, 'archive');
}

/** Where a server that adds up a cluster keeps the sum: a data folder like any other. */
export function mergerFolderOf(dataDir: string): string {
  return join(dataDir, 'cluster');
}
