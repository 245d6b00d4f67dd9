/**
 * Damaged segments. Their intact batches stay in the archive. The original file goes to a folder
 * that nothing reads, limits or deletes, so that a person can examine it.
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

/** The number of damaged bytes in a segment. */
export function damagedBytes({ damaged }: SegmentContent): number {
  return damaged.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** Moves a segment to quarantine, once its intact batches are stored elsewhere. */
export function quarantine(folder: string, file: ArchiveFile): void {
  const { path } = targetOf(folder, file);
  renameSync(join(folder, file.path), path);
}

/**
 * Copies a segment to quarantine, then replaces it by its intact batches. After a crash the segment
 * is unchanged, or it is the new one and the old one is in quarantine.
 */
export function replaceDamaged(folder: string, file: ArchiveFile, kept: readonly Batch[]): void {
  const target = targetOf(folder, file);
  if (!target.isCopy) {
    const partial = `${target.path}.new`;
    copyFileSync(join(folder, file.path), partial, constants.COPYFILE_FICLONE);
    syncPath(partial);
    renameSync(partial, target.path);
    // Its directory entry must be on disk before the segment changes.
    for (const parent of [dirname(target.path), folder]) syncPath(parent);
  }
  const partial = join(folder, partialPath(file.sequence));
  const descriptor = openSync(partial, 'w');
  try {
    // Not writeSync, which may write only a part without an error.
    for (const bytes of [segmentHeader(), ...kept.map(({ buffer }) => buffer)])
      writeFileSync(descriptor, bytes);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(partial, join(folder, file.path));
}

/**
 * The path of a segment in quarantine: the first name that is free, or that holds a copy from an
 * interrupted start. If the same segment is damaged again, it gets another file.
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

/** Syncs a file, or the entries of a directory. */
export function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
