/** The folders in a data folder. */
import { join } from 'node:path';

/** The archive of the messages. It is not part of the counts, so a repair does not copy it. */
export function archiveFolderOf(dataDir: string): string {
  return join(dataDir, 'archive');
}

/** The data folder in which a merger keeps the sum of the cluster. */
export function mergerFolderOf(dataDir: string): string {
  return join(dataDir, 'cluster');
}

/** In the root of a volume with ext4. It belongs to the file system, and only root can read it. */
export const lostAndFound = 'lost+found';
