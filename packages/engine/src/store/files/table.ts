/**
 * The bytes of one LevelDB table. LevelDB verifies no checksum when it reads a table, and a flipped
 * bit can even end the process: its parser asserts what it expects. So this file reads every block
 * before LevelDB does, and recovers the rows of intact blocks for a repair.
 *
 * The format is LevelDB's own (its doc/table_format.md): data blocks, then others, the index block
 * (last key of a block → where it is), and a footer of 48 bytes. A type byte (0 plain, 1 snappy)
 * and the masked CRC-32C of block and type follow each block. A key ends in 8 bytes: the type
 * (value or deletion) in the lowest, a sequence number in the others.
 */
import crc32c from 'crc-32/crc32c.js';
import { BadBytes, Reader } from './bytes.ts';
import { maskChecksum } from './log.ts';
import { inflateSnappy } from './snappy.ts';

const footerBytes = 48;
const magic = 0xdb4775248b80fb57n;
const trailerBytes = 5;
const internalKeyBytes = 8;
const valueType = 1;

export interface Entry {
  readonly key: Buffer;
  /** A higher one is newer. */
  readonly sequence: bigint;
  /** undefined: deleted. */
  readonly value: Buffer | undefined;
}

export interface Table {
  /** The entries of all intact blocks that can be found. */
  readonly entries: readonly Entry[];
  /** undefined if the table is intact. */
  readonly damage: string | undefined;
  /** The keys that damaged blocks may have held; undefined if unknown. */
  readonly lost: readonly KeyRange[] | undefined;
}

/** Both ends included. */
export interface KeyRange {
  readonly first: Buffer;
  readonly last: Buffer;
}

/** Reads everything that can be read. */
export function readTable(file: Uint8Array): Table {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const entries: Entry[] = [];
  const lost: KeyRange[] = [];
  let damage: string | undefined;
  const index = attempt(() => indexOf(bytes));
  if (index === undefined) return { entries, damage: 'its index cannot be read', lost: undefined };
  if (attempt(() => assertMetaBlocks(bytes)) === undefined) damage = 'its filter cannot be read';
  let first: Buffer = Buffer.alloc(0);
  for (const { handle, lastKey } of index) {
    const last = userKeyOf(lastKey);
    const found = attempt(() =>
      [...entriesOf(blockAt(bytes, handle))].map(([key, value]) => entryOf(key, value)),
    );
    if (found === undefined) {
      damage ??= `it is damaged between byte ${handle.offset} and ${handle.offset + handle.size}`;
      lost.push({ first, last });
    } else entries.push(...found);
    first = last;
  }
  return { entries, damage, lost };
}

/**
 * Why LevelDB cannot use this table: its parser asserts that keys are long enough and in order, and
 * ends the process if they are not. A damaged filter makes it miss rows, which would then be
 * written anew without their counts. undefined if the table is intact, or the damage leaves its
 * keys readable: values have checksums of their own.
 */
export function findFatalDamage(file: Uint8Array): string | undefined {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  try {
    assertMetaBlocks(bytes);
    let before: Buffer | undefined;
    for (const { handle, lastKey } of indexOf(bytes)) {
      if (!isWhole(bytes, handle)) assertReadable(contentOf(bytes, handle), before, lastKey);
      before = lastKey;
    }
    return undefined;
  } catch (error) {
    if (error instanceof BadBytes || error instanceof RangeError) return error.message;
    throw error;
  }
}

/** The result of `read`; undefined if LevelDB did not write these bytes. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof BadBytes || error instanceof RangeError) return undefined;
    throw error;
  }
}

function userKeyOf(internalKey: Buffer): Buffer {
  return Buffer.from(internalKey.subarray(0, Math.max(0, internalKey.length - internalKeyBytes)));
}

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** Asserts what LevelDB asserts of a data block, and that its keys lie where the index says. */
function assertReadable(block: Buffer, before: Buffer | undefined, lastKey: Buffer): void {
  const restartsAt = restartsOf(block);
  const starts = new Set<number>();
  let previous = before;
  for (const { key, start, shared } of keysOf(block)) {
    if (shared === 0) starts.add(start);
    if (previous !== undefined && compareKeys(previous, key) >= 0)
      throw new BadBytes('its keys are not in order');
    previous = key;
  }
  if (previous !== undefined && compareKeys(previous, lastKey) > 0)
    throw new BadBytes('its keys are not where its index says');
  for (let at = restartsAt; at < block.length - 4; at += 4) {
    if (!starts.has(block.readUInt32LE(at))) throw new BadBytes('a block cannot be searched');
  }
}

/** LevelDB's order: by key, the newest first. */
function compareKeys(one: Buffer, other: Buffer): number {
  const [end, otherEnd] = [one.length - internalKeyBytes, other.length - internalKeyBytes];
  if (end < 0 || otherEnd < 0) throw new BadBytes('a key is too short');
  const order = one.subarray(0, end).compare(other.subarray(0, otherEnd));
  if (order !== 0) return order;
  const [tag, otherTag] = [one.readBigUInt64LE(end), other.readBigUInt64LE(otherEnd)];
  return tag === otherTag ? 0 : tag > otherTag ? -1 : 1;
}

/** Asserts that the metaindex, and the filter that it names, are intact. */
function assertMetaBlocks(bytes: Buffer): true {
  const { metaindex } = footerOf(bytes);
  for (const [, value] of entriesOf(blockAt(bytes, metaindex))) {
    blockAt(bytes, handleIn(new Reader(value)));
  }
  return true;
}

function footerOf(bytes: Buffer): { readonly metaindex: Handle; readonly index: Handle } {
  const footer = bytes.subarray(-footerBytes);
  if (footer.length < footerBytes || footer.readBigUInt64LE(footerBytes - 8) !== magic)
    throw new BadBytes('no footer');
  const reader = new Reader(footer);
  return { metaindex: handleIn(reader), index: handleIn(reader) };
}

/** The data blocks, each with a key that is not before any of its keys. */
function indexOf(bytes: Buffer): { readonly handle: Handle; readonly lastKey: Buffer }[] {
  const index = blockAt(bytes, footerOf(bytes).index);
  return [...entriesOf(index)].map(([lastKey, value]) => {
    return { handle: handleIn(new Reader(value)), lastKey };
  });
}

function handleIn(reader: Reader): Handle {
  return { offset: reader.varint(), size: reader.varint() };
}

function blockAt(bytes: Buffer, handle: Handle): Buffer {
  if (!isWhole(bytes, handle)) throw new BadBytes(`a checksum differs at byte ${handle.offset}`);
  return contentOf(bytes, handle);
}

function isWhole(bytes: Buffer, { offset, size }: Handle): boolean {
  const end = offset + size;
  if (end + trailerBytes > bytes.length) throw new BadBytes('a block ends behind the file');
  const sum = crc32c.buf(bytes.subarray(offset, end + 1));
  return bytes.readUInt32LE(end + 1) === maskChecksum(sum);
}

function contentOf(bytes: Buffer, { offset, size }: Handle): Buffer {
  const end = offset + size;
  const block = bytes.subarray(offset, end);
  return bytes[end] === 0 ? block : inflateSnappy(block);
}

/** Offset of the restart points, which end a block and are for binary search. */
function restartsOf(block: Buffer): number {
  const at = block.length - 4 - block.readUInt32LE(block.length - 4) * 4;
  if (at < 0) throw new BadBytes('a block is shorter than its tail');
  return at;
}

function* entriesOf(block: Buffer): Generator<readonly [key: Buffer, value: Buffer]> {
  for (const { key, value } of keysOf(block)) yield [key, value];
}

interface BlockEntry {
  readonly key: Buffer;
  readonly value: Buffer;
  /** Its offset in the block. */
  readonly start: number;
  /** How many bytes its key shares with the previous key. */
  readonly shared: number;
}

function* keysOf(block: Buffer): Generator<BlockEntry> {
  const reader = new Reader(block.subarray(0, restartsOf(block)));
  let before = Buffer.alloc(0);
  while (!reader.atEnd) {
    const start = reader.at;
    const shared = reader.varint();
    const own = reader.varint();
    const valueBytes = reader.varint();
    if (shared > before.length) throw new BadBytes('a key shares more than the previous key has');
    const key = Buffer.concat([before.subarray(0, shared), reader.take(own)]);
    yield { key, value: reader.take(valueBytes), start, shared };
    before = key;
  }
}

function entryOf(internalKey: Buffer, value: Buffer): Entry {
  const end = internalKey.length - internalKeyBytes;
  if (end < 0) throw new BadBytes('a key is too short');
  const tag = internalKey.readBigUInt64LE(end);
  const isValue = Number(tag & 0xffn) === valueType;
  return {
    key: internalKey.subarray(0, end),
    sequence: tag >> 8n,
    value: isValue ? value : undefined,
  };
}
