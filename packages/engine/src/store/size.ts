/** How much of the disk a data folder takes. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Bytes of all files in a folder; files that vanish meanwhile (LevelDB compacts) count as nothing.
 */
export async function bytesIn(folder: string): Promise<number> {
  // A folder that was moved away has nothing on this disk.
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (file) => (file.isFile() ? file.size : 0),
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
