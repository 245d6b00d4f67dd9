/**
 * Whose rows a data folder has: a server's, or those of a merger, whose own folder lies inside the
 * server's. The two look alike, and neither program can use the other's: a repair would drop a
 * merger's parts as unknown rows, and a merger would write its sums over a server's counts.
 */
import { dirname, resolve } from 'node:path';
import { Reto3Error } from '@reto3/core';
import { mergerFolderOf } from './inner-folders.ts';
import { metaKeys, sublevelNames } from './keys.ts';
import type { Store } from './store.ts';

export type Owner = 'server' | 'merger';

/**
 * Asserts that a folder belongs to the program that opens it, or to none yet.
 * @throws Reto3Error RETO3_DATA_UNREADABLE, RETO3_DATA_VERSION
 */
export async function assertOwner(store: Store, folder: string, wanted: Owner): Promise<void> {
  const owner = await ownerOf(store);
  if (owner !== undefined && owner !== wanted) throw foreignFolder(folder, owner);
}

/** Undefined if the folder has no rows that tell. */
async function ownerOf(store: Store): Promise<Owner | undefined> {
  if ((await store.readMerge()) !== undefined || (await store.hasParts())) return 'merger';
  return (await store.hasCounts()) || (await hasJournal(store)) ? 'server' : undefined;
}

/** Whether a journal file has counts that the database does not have yet. */
async function hasJournal(store: Store): Promise<boolean> {
  try {
    return (await store.readMeta())?.journal !== undefined;
  } catch (error) {
    if (error instanceof Reto3Error && error.code === 'RETO3_DATA_CORRUPT') return false;
    throw error;
  }
}

const mergeKey = `!${sublevelNames.meta}!${metaKeys.merge}`;
const partPrefix = `!${sublevelNames.part}!`;

/** Whether only a merger has this key of its database. */
export function isMergersKey(key: Buffer): boolean {
  const text = key.toString('latin1');
  return text === mergeKey || text.startsWith(partPrefix);
}

/** The error to show if the folder belongs to `owner`, and the other one was wanted. */
export function foreignFolder(folder: string, owner: Owner): Reto3Error {
  const [got, want, hint] =
    owner === 'merger'
      ? ["a merger's folder", "a server's", cureOfMergers(folder)]
      : ["a server's data folder", "a merger's", 'move it away; the merger makes its own'];
  const message = `cannot open the data folder ${folder}: got ${got}, want ${want}`;
  return new Reto3Error('RETO3_DATA_UNREADABLE', message, { hint });
}

const refill = 'move it away while the server is stopped: the merger fills a new one';

/** An error of opening a merger's folder: no repair is for that, since the nodes have its counts. */
export function openMergersFailure(error: unknown): unknown {
  if (!(error instanceof Reto3Error) || error.code !== 'RETO3_DATA_CORRUPT') return error;
  const hint = `${refill} from the nodes`;
  return new Reto3Error(error.code, error.message, { cause: error, hint });
}

function cureOfMergers(folder: string): string {
  const above = dirname(resolve(folder));
  const read =
    resolve(folder) === mergerFolderOf(above)
      ? `give ${above}, with --cluster to read the sum of all nodes`
      : 'to read it, put it into a data folder as "cluster", and give that with --cluster';
  return `${read}; if it is damaged, ${refill} from the nodes`;
}
