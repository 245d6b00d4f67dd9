/**
 * Segments with damaged bytes. What is whole of them stays in the archive; the file as it was found
 * is kept in a folder that nothing reads, limits or deletes: what it still holds is for a person.
 */
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Batch } from './batch.ts';
import { type ArchiveFile, partialPath, quarantinePath } from './layout.ts';
import { type SegmentContent, segmentHeader } from './segment.ts';

/** How many bytes of a segment are damaged. */
export function damagedBytes({ damaged }: SegmentContent): number {
  return damaged.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** Moves a segment away, once what is whole of it is somewhere else. */
export function quarantine(folder: string, file: ArchiveFile): void {
  renameSync(join(folder, file.path), targetOf(folder, file));
}

/**
 * Copies a segment away, and has these of its batches take its place. Whenever this is interrupted,
 * the segment is as it was, or is the new one with the old one in quarantine.
 */
export function replaceDamaged(folder: string, file: ArchiveFile, kept: readonly Batch[]): void {
  const target = targetOf(folder, file);
  // What an interrupted start put there is whole: it has its name only then.
  if (!existsSync(target)) {
    copyFileSync(join(folder, file.path), `${target}.new`, constants.COPYFILE_FICLONE);
    syncPath(`${target}.new`);
    renameSync(`${target}.new`, target);
  }
  const partial = join(folder, partialPath(file.sequence));
  const descriptor = openSync(partial, 'w');
  try {
    // writeSync may write a part of it and report no error.
    for (const bytes of [segmentHeader(), ...kept.map(({ buffer }) => buffer)])
      writeFileSync(descriptor, bytes);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(partial, join(folder, file.path));
}

function targetOf(folder: string, file: ArchiveFile): string {
  const target = join(folder, quarantinePath(file));
  mkdirSync(dirname(target), { recursive: true });
  return target;
}

/** Puts a file on the disk, or the names in a folder. */
export function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
