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
  readFileSync,
  renameSync,
  statSync,
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
  const { path } = targetOf(folder, file);
  renameSync(join(folder, file.path), path);
}

/**
 * Copies a segment away, and has these of its batches take its place. Whenever this is interrupted,
 * the segment is as it was, or is the new one with the old one in quarantine.
 */
export function replaceDamaged(folder: string, file: ArchiveFile, kept: readonly Batch[]): void {
  const target = targetOf(folder, file);
  if (!target.isCopy) {
    const partial = `${target.path}.new`;
    copyFileSync(join(folder, file.path), partial, constants.COPYFILE_FICLONE);
    syncPath(partial);
    renameSync(partial, target.path);
    // Its name, too, is to be on the disk before the segment changes.
    for (const parent of [dirname(target.path), folder]) syncPath(parent);
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

/**
 * Where a segment is kept in quarantine: under the first name that is free, or that has a copy of it
 * already, as an interrupted start leaves. Another damage of the same segment is another file.
 */
function targetOf(
  folder: string,
  file: ArchiveFile,
): { readonly path: string; readonly isCopy: boolean } {
  const bytes = readFileSync(join(folder, file.path));
  for (let copy = 1; ; copy++) {
    const path = join(folder, quarantinePath(file, copy));
    mkdirSync(dirname(path), { recursive: true });
    if (!existsSync(path)) return { path, isCopy: false };
    if (statSync(path).size === bytes.length && readFileSync(path).equals(bytes))
      return { path, isCopy: true };
  }
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
