/** Decides from its files, without opening it, whether a data folder may be repaired. */

import { entriesIn } from '../store/files/entries.ts';
import type { Entry } from '../store/files/table.ts';
import { metaKeys, sublevelNames } from '../store/keys.ts';
import { decodeMeta, unseal } from '../store/meta.ts';
import { foreignFolder, isMergersKey } from '../store/owner.ts';

const metaKey = `!${sublevelNames.meta}!${metaKeys.node}`;

/**
 * Refuses what a repair would take for damage: the rows of a merger, and those of a later version.
 * @throws Reto3Error RETO3_DATA_UNREADABLE, RETO3_DATA_VERSION
 */
export async function assertRepairable(folder: string): Promise<void> {
  let newest: Entry | undefined;
  for await (const entry of entriesIn(folder)) {
    if (isMergersKey(entry.key)) throw foreignFolder(folder, 'merger');
    if (entry.key.toString('latin1') !== metaKey) continue;
    if (newest === undefined || newest.sequence < entry.sequence) newest = entry;
  }
  const text = newest?.value?.toString();
  if (text !== undefined && unseal(text) !== undefined) decodeMeta(text);
}
