/**
 * Reads LevelDB's table files by itself, checking every block, where LevelDB would not.
 *
 * LevelDB checks no checksum when it reads a table, and a flipped bit in one can even end the
 * process: its parser asserts what it expects. So the doctor looks before LevelDB does, and a repair
 * takes the rows out of the blocks that are whole.
 *
 * The format is LevelDB's own (its doc/table_format.md): data blocks, then others, the index block
 * (last key of a block → where it is), and a footer of 48 bytes. Behind each block stand a type
 * byte (0 plain, 1 snappy) and the masked CRC-32C of block and type. A key has 8 bytes at its end:
 * a sequence number, and below it whether it is a value or a deletion.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import crc32c from 'crc-32/crc32c.js';
import { BadBytes, Reader } from './bytes.ts';
import { maskChecksum } from './log.ts';
import { liveTables } from './manifest.ts';

const footerBytes = 48;
const magic = 0xdb4775248b80fb57n;
const trailerBytes = 5;
const internalKeyBytes = 8;
const valueType = 1;

export interface Entry {
  readonly key: Buffer;
  /** Higher is newer. */
  readonly sequence: bigint;
  /** undefined: deleted. */
  readonly value: Buffer | undefined;
}

export interface Table {
  /** What whole blocks hold, as far as they can be found. */
  readonly entries: readonly Entry[];
  /** What is wrong; undefined where nothing is. */
  readonly damage: string | undefined;
  /** The keys that damaged blocks may have held; undefined where nobody can tell. */
  readonly lost: readonly KeyRange[] | undefined;
}

/** Both ends included. */
export interface KeyRange {
  readonly first: Buffer;
  readonly last: Buffer;
}

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

function userKeyOf(internalKey: Buffer): Buffer {
  return Buffer.from(internalKey.subarray(0, Math.max(0, internalKey.length - internalKeyBytes)));
}

/** What `read` gives; undefined where the bytes are not what LevelDB wrote. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof BadBytes || error instanceof RangeError) return undefined;
    throw error;
  }
}

/**
 * The tables that LevelDB reads; all that there are where nobody can tell. One that it had not done
 * writing when it was closed or killed is half there, and it takes it away at the next start.
 */
async function tablesIn(folder: string): Promise<string[]> {
  const live = await liveTables(folder);
  return (await allTablesIn(folder)).filter((name) => isLive(live, name));
}

async function allTablesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter(isTable);
}

/** Whether a file of that name is a table. */
export function isTable(name: string): boolean {
  return /^\d+\.(?:ldb|sst)$/.test(name);
}

function isLive(live: ReadonlySet<number> | undefined, name: string): boolean {
  return live?.has(Number.parseInt(name, 10)) ?? true;
}

/** Damaged tables that do not belong to the database any more, or not yet. */
export async function damagedLeftovers(folder: string): Promise<string[]> {
  const live = await liveTables(folder);
  const leftovers = (await allTablesIn(folder)).filter((name) => !isLive(live, name));
  const damaged: string[] = [];
  for (const file of leftovers)
    if (readTable(await readFile(join(folder, file))).damage !== undefined) damaged.push(file);
  return damaged;
}

/** The damaged tables of a folder, each with what its whole blocks hold. */
export async function damagedTables(folder: string): Promise<(Table & { file: string })[]> {
  const damaged: (Table & { file: string })[] = [];
  for (const file of await tablesIn(folder)) {
    // A server that holds the folder deletes tables as it goes.
    const bytes = await readFile(join(folder, file)).catch(() => undefined);
    const table = bytes && readTable(bytes);
    if (table?.damage !== undefined) damaged.push({ file, ...table });
  }
  return damaged;
}

/** The newest of several entries for each key, by the key as latin1 text. */
export function newestOf(entries: Iterable<Entry>): Map<string, Entry> {
  const newest = new Map<string, Entry>();
  for (const entry of entries) {
    const key = entry.key.toString('latin1');
    const before = newest.get(key);
    if (before === undefined || before.sequence < entry.sequence) newest.set(key, entry);
  }
  return newest;
}

/** What the tables of a folder hold of these keys, newest first chosen. */
export async function newestInTables(
  folder: string,
  keys: ReadonlyMap<string, unknown>,
): Promise<Map<string, Entry>> {
  const found: Entry[] = [];
  for (const file of await allTablesIn(folder)) {
    const { entries } = readTable(await readFile(join(folder, file)));
    found.push(...entries.filter(({ key }) => keys.has(key.toString('latin1'))));
  }
  return newestOf(found);
}

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/**
 * Why LevelDB could not go on with this table: its parser asserts that keys are long enough and in
 * order, and ends the process where they are not; a damaged filter makes it miss rows that are
 * there, and what is missing is written anew from nothing. Undefined for a table that is whole, or
 * whose damage leaves its keys readable: values have checksums of their own.
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

/** Which tables were whole when they were read, and have not been touched since. */
export interface TableMemory {
  /** Whether it is one of them. If not, it is remembered as it is now, until `forget`. */
  recognize(file: string): Promise<boolean>;
  forget(file: string): void;
}

/** The tables of a folder that LevelDB could not go on with, among those that are not known. */
export async function fatallyDamagedTables(
  folder: string,
  memory: TableMemory,
): Promise<{ readonly file: string; readonly reason: string }[]> {
  const damaged: { file: string; reason: string }[] = [];
  for (const file of await tablesIn(folder)) {
    if (await memory.recognize(file)) continue;
    const bytes = await readFile(join(folder, file)).catch(() => undefined);
    const reason = bytes && findFatalDamage(bytes);
    if (reason !== undefined) damaged.push({ file, reason });
    if (bytes === undefined || reason !== undefined) memory.forget(file);
  }
  return damaged;
}

/** What LevelDB asserts of a data block, and that its keys lie where the index says. */
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

/** LevelDB's order: by key, and the newest first. */
function compareKeys(one: Buffer, other: Buffer): number {
  const [end, otherEnd] = [one.length - internalKeyBytes, other.length - internalKeyBytes];
  if (end < 0 || otherEnd < 0) throw new BadBytes('a key is too short');
  const order = one.subarray(0, end).compare(other.subarray(0, otherEnd));
  if (order !== 0) return order;
  const [tag, otherTag] = [one.readBigUInt64LE(end), other.readBigUInt64LE(otherEnd)];
  return tag === otherTag ? 0 : tag > otherTag ? -1 : 1;
}

/** The metaindex, and the filter that it names. */
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

/** The data blocks, each with a key that none of its keys is beyond. */
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

/** Where the tail of a block begins, which is for searching. */
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
  /** Where it begins in the block. */
  readonly start: number;
  /** How many bytes its key has in common with the key before. */
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
    if (shared > before.length) throw new BadBytes('a key has too much in common');
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

/** Google's snappy, raw format: a length, then literals and copies of what came before. */
function inflateSnappy(compressed: Buffer): Buffer {
  const reader = new Reader(compressed);
  const out = Buffer.alloc(reader.varint());
  let at = 0;
  while (!reader.atEnd) {
    const tag = reader.byte();
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >> 2;
      const length = (short < 60 ? short : reader.fixed(short - 59)) + 1;
      at += reader.take(length).copy(out, at);
      continue;
    }
    const length = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const back = kind === 1 ? ((tag >> 5) << 8) | reader.byte() : reader.fixed(kind === 2 ? 2 : 4);
    if (back === 0 || back > at) throw new BadBytes('a copy reaches too far back');
    for (let count = 0; count < length; count++, at++) out[at] = out[at - back] ?? 0;
  }
  if (at !== out.length) throw new BadBytes('a block has another length than it says');
  return out;
}
