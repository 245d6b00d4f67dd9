/**
 * Identifies the folder of an archive, so that nothing is created or deleted in another folder that
 * appears at its path. Open segments stay in a folder that is moved away; everything else uses the
 * path.
 */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { segmentsFolder } from './layout.ts';

/**
 * Creates the folder if it does not exist.
 * @returns a function that throws if the path no longer leads to the same folder
 */
export function holdArchive(folder: string): () => void {
  mkdirSync(join(folder, segmentsFolder), { recursive: true });
  const held = inodeOf(folder);
  return () => {
    const now = inodeOf(folder);
    if (now === held) return;
    const found = now === undefined ? 'it is gone' : 'another folder lies there';
    throw new Error(`cannot use ${folder}: ${found}; put the folder back`);
  };
}

/** Undefined if there is no folder. */
function inodeOf(folder: string): bigint | undefined {
  // Without the number of the device, which may change when a disk is mounted again.
  return statSync(folder, { bigint: true, throwIfNoEntry: false })?.ino;
}
