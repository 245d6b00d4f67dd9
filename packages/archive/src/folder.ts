/** Lists the folder of an archive. */
import { readdirSync } from 'node:fs';
import { sep } from 'node:path';
import { messageOf, Reto3Error } from '@reto3/core';
import { type ArchiveFile, covers, parseArchivePath } from './layout.ts';

/**
 * All files of an archive, oldest first, without superseded ones: a segment that was converted, or
 * files that were compacted. Empty if there is no archive.
 * @throws Reto3Error RETO3_DATA_UNREADABLE
 */
export function listArchive(folder: string): ArchiveFile[] {
  const files = pathsIn(folder).flatMap((path) => parseArchivePath(path) ?? []);
  files.sort(widestFirst);
  const kept: ArchiveFile[] = [];
  for (const file of files) {
    // A file that may cover this one comes before it, widest first.
    const before = kept.at(-1);
    if (before === undefined || !covers(before, file)) kept.push(file);
  }
  return kept;
}

/** Orders by hour and first sequence; of two with the same, the wider one comes first. */
function widestFirst(a: ArchiveFile, b: ArchiveFile): number {
  return (
    a.hour - b.hour ||
    a.first - b.first ||
    b.sequence - a.sequence ||
    Number(b.kind === 'parquet') - Number(a.kind === 'parquet')
  );
}

/**
 * Every path in the folder, with forward slashes; empty if the folder does not exist.
 * @throws Reto3Error RETO3_DATA_UNREADABLE
 */
export function pathsIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) =>
      path.replaceAll(sep, '/'),
    );
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    const message = `cannot read the archive ${folder}: ${messageOf(error)}`;
    throw new Reto3Error('RETO3_DATA_UNREADABLE', message, { cause: error });
  }
}
