/**
 * The anchor: a small file beside the database with the number of a batch that is on disk.
 *
 * LevelDB cannot notice that the end of its log, or a whole file, is missing: it opens what is
 * there. A database whose meta row has fewer writes than its anchor has lost some, so a start
 * refuses it. The anchor is written after the fsync that it vouches for, so it is never ahead of an
 * intact database.
 */
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, Reto3Error } from '@reto3/core';
import { syncFolder } from '../journal/journal-folder.ts';
import { codeOf } from './database-failure.ts';
import { seal, unseal } from './meta.ts';

export interface Anchor {
  /**
   * The number of a write that is certainly on disk; undefined if there is no anchor.
   * @throws Reto3Error RETO3_DATA_CORRUPT
   */
  read(): Promise<number | undefined>;
  /** @throws Reto3Error RETO3_STORE_FAILING */
  write(writes: number): Promise<void>;
}

export const anchorFile = 'ANCHOR';

/** The anchor of a data folder. */
export function anchorIn(folder: string): Anchor {
  const path = join(folder, anchorFile);
  return {
    async read(): Promise<number | undefined> {
      let sealed: string;
      try {
        sealed = await readFile(path, 'utf8');
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
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
      // Replaced by a rename: after a power cut either the old or the new one is there.
      try {
        const file = await open(`${path}.new`, 'w');
        try {
          await file.writeFile(`${seal(String(writes))}\n`);
          await file.datasync();
        } finally {
          await file.close();
        }
        await rename(`${path}.new`, path);
        // Some file systems, such as btrfs, sync a later batch without this name.
        if (writes === 0) await syncFolder(folder);
      } catch (cause) {
        const message = `cannot write ${path}: ${messageOf(cause)}`;
        throw new Reto3Error('RETO3_STORE_FAILING', message, { cause });
      }
    },
  };
}
