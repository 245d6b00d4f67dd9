/**
 * Which folder an archive is, so that nothing is made or deleted in another one that came to lie
 * there. Open segments go on in a folder that was moved away; all else goes by the path.
 */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { segmentsFolder } from './layout.ts';

/**
 * Makes the folder where there is none.
 * @returns throws where the path no longer leads to the same folder
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

/** Undefined where there is no folder. */
function inodeOf(folder: string): bigint | undefined {
  // Without the device: a disk that is mounted again may get another number.
  return statSync(folder, { bigint: true, throwIfNoEntry: false })?.ino;
}
