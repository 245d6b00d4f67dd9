/**
 * The bytes of a journal file, drawn in docs/format.md.
 *
 *     header · frame · frame · … · whatever the file held before
 *
 * A frame is length, CRC-32 and one record (record.ts). Files are reused, so the header has a
 * random seed that every checksum starts with: an old frame behind the last new one does not match.
 *
 * The frames end at the first bad one, as a power cut leaves it: the disk may have later frames
 * without an earlier one, until an fsync. Records say what was synced before them, so the loss of a
 * synced one is noticed, and is damage. The header has the least size of the file, so a truncated
 * file is noticed.
 */
import { crc32 } from 'node:zlib';
import { messageOf } from '@reto3/core';
import { decodeRecord, type JournalRecord, journalVersion } from './record.ts';

const magic = Buffer.from('RETO3JNL', 'latin1');

export const headerBytes = 64;
const seedAt = 12;
const idAt = 16;
const bootAt = 24;
const sizeAt = 32;
const headerCrcAt = headerBytes - 4;
const frameHeadBytes = 8;

/**
 * How much a file grows at a time: room for four minutes at 20 records a second, or for an hour
 * without messages.
 */
export const pieceBytes = 256 << 10;

export interface JournalHeader {
  /** Higher than the id of every earlier journal in this folder. */
  readonly id: number;
  /** The boot that writes it. */
  readonly boot: number;
  /** The start value of its frames' checksums. */
  readonly seed: number;
  /** The least size of the file in bytes. */
  readonly size: number;
}

export function encodeHeader({ id, boot, seed, size }: JournalHeader): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  magic.copy(bytes);
  bytes.writeUInt8(journalVersion, magic.length);
  bytes.writeUInt32LE(seed, seedAt);
  bytes.writeBigUInt64LE(BigInt(id), idAt);
  bytes.writeBigUInt64LE(BigInt(boot), bootAt);
  bytes.writeBigUInt64LE(BigInt(size), sizeAt);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, headerCrcAt)), headerCrcAt);
  return bytes;
}

export function frameOf(record: Uint8Array, seed: number): Buffer {
  const frame = Buffer.allocUnsafe(frameHeadBytes + record.length);
  frame.writeUInt32LE(record.length);
  frame.set(record, frameHeadBytes);
  frame.writeUInt32LE(checksum(frame, frame.length, 0, seed), 4);
  return frame;
}

export interface JournalContents {
  /** undefined if it cannot be read; then there are no records. */
  readonly header: JournalHeader | undefined;
  readonly records: readonly JournalRecord[];
  /** Why records are missing; undefined if all may be there. */
  readonly damage: string | undefined;
  /** Whether records may be missing at the end. */
  readonly isShort: boolean;
}

/**
 * Reads whatever can be read, also behind damage.
 * @param before the number of the last record in the journals before; 0 if there is none
 */
export function readJournal(bytes: Buffer, before = 0): JournalContents {
  const header = decodeHeader(bytes);
  if (header === undefined)
    return { header, records: [], damage: 'its header cannot be read', isShort: true };
  const isShort = bytes.length < header.size;
  let damage = isShort
    ? `it was cut: got ${bytes.length} bytes, want at least ${header.size}`
    : undefined;
  const records: JournalRecord[] = [];
  // Records behind the first bad frame.
  const behind: JournalRecord[] = [];
  let badAt: number | undefined;
  for (let at = headerBytes; at + frameHeadBytes <= bytes.length; ) {
    if (isZero(bytes, at)) break;
    const record = frameAt(bytes, at, header.seed);
    if (record === undefined) {
      badAt ??= at;
      at++;
      continue;
    }
    at += frameHeadBytes + record.length;
    try {
      (badAt === undefined ? records : behind).push(decodeRecord(record, header.version));
    } catch (error) {
      damage ??= `a record cannot be read: ${messageOf(error)}`;
    }
  }
  const last = records.at(-1)?.sequence ?? before;
  if (behind.some(({ synced }) => synced > last)) {
    damage ??= `it is damaged at byte ${badAt}`;
    records.push(...behind);
  }
  const [earlier, later] = outOfOrder(records);
  if (later !== undefined) damage ??= `record ${later} follows record ${earlier}`;
  return { header, records, damage, isShort };
}

const zeros = Buffer.alloc(pieceBytes);

/** Whether the rest of the file was never written. Checked where the frames may end. */
function isZero(bytes: Buffer, at: number): boolean {
  if (bytes.readUInt32LE(at) !== 0) return false;
  for (let from = at; from < bytes.length; from += zeros.length) {
    const piece = bytes.subarray(from, from + zeros.length);
    if (!piece.equals(zeros.subarray(0, piece.length))) return false;
  }
  return true;
}

function decodeHeader(bytes: Buffer): (JournalHeader & { readonly version: number }) | undefined {
  if (bytes.length < headerBytes || !bytes.subarray(0, magic.length).equals(magic))
    return undefined;
  if (bytes.readUInt32LE(headerCrcAt) !== crc32(bytes.subarray(0, headerCrcAt))) return undefined;
  const version = bytes[magic.length] ?? 0;
  if (version === 0 || version > journalVersion) return undefined;
  return {
    version,
    id: Number(bytes.readBigUInt64LE(idAt)),
    boot: Number(bytes.readBigUInt64LE(bootAt)),
    seed: bytes.readUInt32LE(seedAt),
    size: Number(bytes.readBigUInt64LE(sizeAt)),
  };
}

/** The record in the frame at an offset; undefined if there is no complete frame. */
function frameAt(bytes: Buffer, at: number, seed: number): Buffer | undefined {
  const length = bytes.readUInt32LE(at);
  const end = at + frameHeadBytes + length;
  if (length === 0 || end > bytes.length) return undefined;
  if (bytes.readUInt32LE(at + 4) !== checksum(bytes, end, at, seed)) return undefined;
  return bytes.subarray(at + frameHeadBytes, end);
}

/** The CRC-32 of length and record, started with the seed. */
function checksum(bytes: Buffer, end: number, at: number, seed: number): number {
  return crc32(bytes.subarray(at + frameHeadBytes, end), crc32(bytes.subarray(at, at + 4), seed));
}

/** The first two sequence numbers that do not ascend. */
function outOfOrder(records: readonly JournalRecord[]): [number?, number?] {
  let before = 0;
  for (const { sequence } of records) {
    if (sequence <= before) return [before, sequence];
    before = sequence;
  }
  return [];
}
