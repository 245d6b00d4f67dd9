/**
 * Reads the batches in LevelDB's write-ahead log.
 *
 * The format is LevelDB's own (its db/write_batch.cc): a record of the log is a sequence number
 * (u64), a count (u32), and that many operations: type (u8), key, and a value unless it is a
 * deletion; key and value are byte strings after their length. Each operation has the next sequence
 * number.
 */
import { BadBytes, Reader } from './bytes.ts';
import type { Entry } from './table.ts';

const valueType = 1;
const halfOfU64 = 4;

/** The operations of a record; those before the first one that cannot be read. */
export function entriesOfBatch(record: Buffer): Entry[] {
  const entries: Entry[] = [];
  try {
    const reader = new Reader(record);
    const [low, high] = [reader.fixed(halfOfU64), reader.fixed(halfOfU64)];
    let sequence = BigInt(high) * 2n ** 32n + BigInt(low);
    for (let left = reader.fixed(4); left > 0; left--) {
      const hasValue = reader.byte() === valueType;
      const key = reader.take(reader.varint());
      const value = hasValue ? reader.take(reader.varint()) : undefined;
      entries.push({ key, sequence, value });
      sequence++;
    }
  } catch (error) {
    if (!(error instanceof BadBytes)) throw error;
  }
  return entries;
}
