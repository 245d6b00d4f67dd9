/** What lies in an archive's folder. */
import { readdirSync } from 'node:fs';
import { sep } from 'node:path';
import { type ArchiveFile, covers, parseArchivePath } from './layout.ts';

/**
 * All files of an archive, oldest first; none where there is no archive. Of a segment that is
 * converted already, the Parquet file alone; of files that became one, that one.
 */
export function listArchive(folder: string): ArchiveFile[] {
  const files = pathsIn(folder).flatMap((path) => parseArchivePath(path) ?? []);
  files.sort(widestFirst);
  const kept: ArchiveFile[] = [];
  for (const file of files) {
    // Each file that may cover it comes before it, and one that ends later covers no less.
    const before = kept.at(-1);
    if (before === undefined || !covers(before, file)) kept.push(file);
  }
  return kept;
}

/** In order of hours and numbers; of two that begin alike, the one that holds more. */
function widestFirst(a: ArchiveFile, b: ArchiveFile): number {
  return (
    a.hour - b.hour ||
    a.first - b.first ||
    b.sequence - a.sequence ||
    Number(b.kind === 'parquet') - Number(a.kind === 'parquet')
  );
}

/** Every path in the folder, with slashes. */
export function pathsIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) =>
      path.replaceAll(sep, '/'),
    );
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
