/**
 * The anchor: a small file beside the database that says how many writes are on the disk.
 *
 * LevelDB cannot know that the end of its log, or a whole file, is missing: it opens what is there.
 * A database that knows of fewer writes than its anchor has lost some, and is not read as counts.
 * Written after the fsync that it vouches for, so it is never ahead of an undamaged database.
 */
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, Reto3Error } from '@reto3/core';
import { seal, unseal } from './meta.ts';

export interface Anchor {
  /** How many writes are on the disk for certain; undefined where there is no anchor. */
  read(): Promise<number | undefined>;
  write(writes: number): Promise<void>;
}

const fileName = 'ANCHOR';

/** The anchor of a data folder. */
export function anchorIn(folder: string): Anchor {
  const path = join(folder, fileName);
  return {
    async read(): Promise<number | undefined> {
      let sealed: string;
      try {
        sealed = await readFile(path, 'utf8');
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
      const text = unseal(sealed.trimEnd());
      if (text === undefined || !/^\d+$/.test(text)) {
        throw new Reto3Error(
          'RETO3_DATA_CORRUPT',
          `cannot read ${path}: its checksum does not match`,
        );
      }
      return Number(text);
    },

    async write(writes: number): Promise<void> {
      // A new file that takes the old one's place: whenever the power fails, one of the two is there.
      try {
        const file = await open(`${path}.new`, 'w');
        try {
          await file.writeFile(`${seal(String(writes))}\n`);
          await file.datasync();
        } finally {
          await file.close();
        }
        await rename(`${path}.new`, path);
      } catch (cause) {
        const message = `cannot write ${path}: ${messageOf(cause)}`;
        throw new Reto3Error('RETO3_STORE_FAILING', message, { cause });
      }
    },
  };
}

/** For a store in memory. */
export function noAnchor(): Anchor {
  let last: number | undefined;
  return {
    read: async () => last,
    write: async (writes) => {
      last = writes;
    },
  };
}
