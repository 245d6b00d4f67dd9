/**
 * Reads LevelDB's manifest: which table files belong to the database.
 *
 * The manifest names a table once that is fsynced. A table that it does not name comes from an
 * interrupted compaction, or was replaced.
 *
 * The format is LevelDB's own (its db/version_edit.cc): a log whose records are sequences of tag
 * and fields, each a varint or a byte string after its length.
 */
import { BadBytes, Reader } from './bytes.ts';
import { recordsOf } from './log.ts';
import { readIfPresent } from './read-file.ts';

const tag = {
  comparator: 1,
  logNumber: 2,
  nextFileNumber: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLogNumber: 9,
} as const;

/**
 * The numbers of the tables; undefined if the manifest is missing or damaged.
 * @throws Reto3Error RETO3_DATA_UNREADABLE
 */
export async function liveTables(folder: string): Promise<ReadonlySet<number> | undefined> {
  const name = (await readIfPresent(folder, 'CURRENT'))?.toString('latin1').trim() ?? '';
  // A damaged CURRENT may contain anything, such as the path of a folder.
  if (!/^MANIFEST-\d+$/.test(name)) return undefined;
  const manifest = await readIfPresent(folder, name);
  const records = manifest && recordsOf(manifest);
  try {
    return records && tablesAfter(records);
  } catch (error) {
    if (error instanceof BadBytes) return undefined;
    throw error;
  }
}

function tablesAfter(edits: readonly Buffer[]): ReadonlySet<number> {
  const tables = new Set<number>();
  for (const edit of edits) {
    const reader = new Reader(edit);
    while (!reader.atEnd) applyField(reader, tables);
  }
  return tables;
}

function applyField(reader: Reader, tables: Set<number>): void {
  switch (reader.varint()) {
    case tag.comparator:
      reader.take(reader.varint());
      break;
    case tag.logNumber:
    case tag.nextFileNumber:
    case tag.lastSequence:
    case tag.previousLogNumber:
      reader.varint();
      break;
    case tag.compactPointer:
      reader.varint();
      reader.take(reader.varint());
      break;
    case tag.deletedFile:
      reader.varint();
      tables.delete(reader.varint());
      break;
    case tag.newFile:
      reader.varint();
      tables.add(reader.varint());
      reader.varint();
      reader.take(reader.varint());
      reader.take(reader.varint());
      break;
    default:
      throw new BadBytes('an unknown field');
  }
}
