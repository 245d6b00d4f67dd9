/** How much disk space a data folder takes. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The bytes of all files in a folder, without subfolders. Files that vanish meanwhile, as LevelDB
 * compacts, do not count.
 */
export async function bytesIn(folder: string): Promise<number> {
  // A folder that was moved away takes no space here.
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
