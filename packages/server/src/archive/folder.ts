/** What lies in an archive's folder. */
import { readdirSync } from 'node:fs';
import { sep } from 'node:path';
import { type ArchiveFile, parseArchivePath } from './layout.ts';

/**
 * All files of an archive, oldest first; none where there is no archive. Of a segment that is
 * converted already, the Parquet file alone.
 */
export function listArchive(folder: string): ArchiveFile[] {
  const files = pathsIn(folder).flatMap((path) => parseArchivePath(path) ?? []);
  const converted = new Set(
    files.flatMap(({ kind, sequence }) => (kind === 'parquet' ? [sequence] : [])),
  );
  return files
    .filter(({ kind, sequence }) => kind === 'parquet' || !converted.has(sequence))
    .sort((a, b) => a.hour - b.hour || a.sequence - b.sequence);
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
