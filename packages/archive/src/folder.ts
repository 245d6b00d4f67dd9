/** Lists the folder of an archive. */
import { readdirSync } from 'node:fs';
import { sep } from 'node:path';
import { type ArchiveFile, covers, parseArchivePath } from './layout.ts';

/**
 * All files of an archive, oldest first, without those that another one supersedes: a converted
 * segment or compacted files. Empty if there is no archive.
 */
export function listArchive(folder: string): ArchiveFile[] {
  const files = pathsIn(folder).flatMap((path) => parseArchivePath(path) ?? []);
  files.sort(widestFirst);
  const kept: ArchiveFile[] = [];
  for (const file of files) {
    // Files that may cover this one come first, widest first.
    const before = kept.at(-1);
    if (before === undefined || !covers(before, file)) kept.push(file);
  }
  return kept;
}

/** By hour and first sequence; of two with the same, the wider one first. */
function widestFirst(a: ArchiveFile, b: ArchiveFile): number {
  return (
    a.hour - b.hour ||
    a.first - b.first ||
    b.sequence - a.sequence ||
    Number(b.kind === 'parquet') - Number(a.kind === 'parquet')
  );
}

/** Every path in the folder, with forward slashes. */
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
