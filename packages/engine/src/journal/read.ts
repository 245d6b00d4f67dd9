/**
 * Reads the journals that a data folder holds, from the one that its database goes on with.
 * Writes nothing.
 */
import { messageOf } from '@reto3/core';
import { type JournalContents, readJournal } from './format.ts';
import type { JournalFolder } from './journal-folder.ts';
import type { JournalRecord } from './record.ts';

export interface FoundJournal {
  /** In the order in which they were written. */
  readonly records: readonly JournalRecord[];
  /** Why they cannot be all that was written; undefined where they may be. */
  readonly damage: string | undefined;
  /** Whether there may have been others that nobody knows of. */
  readonly isShort: boolean;
}

/** @param first the file that the database goes on with; undefined: every file that there is */
export async function readJournals(
  folder: JournalFolder,
  first: number | undefined,
): Promise<FoundJournal> {
  const ids = (await folder.ids()).filter((id) => first === undefined || id >= first);
  const records: JournalRecord[] = [];
  let isShort = first !== undefined && ids[0] !== first;
  let damage = isShort ? `its file JOURNAL-${first} is missing` : undefined;
  for (const id of ids) {
    const found = await contentsOf(folder, id);
    isShort ||= found.isShort;
    if (found.damage !== undefined) damage ??= `its file JOURNAL-${id}: ${found.damage}`;
    else if (found.header?.id !== id)
      damage ??= `its file JOURNAL-${id} is the journal ${found.header?.id}`;
    records.push(...found.records);
  }
  return { records, damage, isShort };
}

async function contentsOf(folder: JournalFolder, id: number): Promise<JournalContents> {
  try {
    return readJournal(await folder.read(id));
  } catch (error) {
    return { header: undefined, records: [], damage: messageOf(error), isShort: true };
  }
}
