/**
 * Reads the journal files of a data folder, from the one that its database names. Writes nothing.
 */
import { messageOf, Reto3Error } from '@reto3/core';
import { type JournalContents, readJournal } from './format.ts';
import type { JournalFolder } from './journal-folder.ts';
import type { JournalRecord } from './record.ts';

export interface FoundJournal {
  /** In the order of writing. */
  readonly records: readonly JournalRecord[];
  /** Why records are missing; undefined if all may be there. */
  readonly damage: string | undefined;
  /** Whether records may be missing at the end of a file, or whole files. */
  readonly isShort: boolean;
}

/**
 * @param first the id of the first file to read; undefined: all files
 * @throws Reto3Error RETO3_DATA_UNREADABLE
 */
export async function readJournals(
  folder: JournalFolder,
  first: number | undefined,
): Promise<FoundJournal> {
  const ids = (await folder.ids()).filter((id) => first === undefined || id >= first);
  const records: JournalRecord[] = [];
  let isShort = first !== undefined && ids[0] !== first;
  let damage = isShort ? `its file JOURNAL-${first} is missing` : undefined;
  for (const id of ids) {
    const found = await contentsOf(folder, id, records.at(-1)?.sequence);
    isShort ||= found.isShort;
    if (found.damage !== undefined) damage ??= `its file JOURNAL-${id}: ${found.damage}`;
    else if (found.header?.id !== id)
      damage ??= `its file JOURNAL-${id} is the journal ${found.header?.id}`;
    records.push(...found.records);
  }
  return { records, damage, isShort };
}

/** @throws Reto3Error RETO3_DATA_UNREADABLE */
async function contentsOf(
  folder: JournalFolder,
  id: number,
  before: number | undefined,
): Promise<JournalContents> {
  let bytes: Buffer;
  try {
    bytes = await folder.read(id);
  } catch (cause) {
    // Not damage, which a repair would give up.
    const message = `cannot read the data folder: its file JOURNAL-${id}: ${messageOf(cause)}`;
    throw new Reto3Error('RETO3_DATA_UNREADABLE', message, { cause });
  }
  return readJournal(bytes, before);
}
