/**
 * The bytes of a journal file. docs/format.md draws them.
 *
 *     header · frame · frame · … · whatever the file held before
 *
 * A frame is length, CRC-32 and one record (record.ts). Files are used again once nothing in them
 * is needed, so each has a random seed in its header that all of its checksums begin with: an old
 * frame behind the last new one is not mistaken for one of this file.
 *
 * The end of the frames is where none follows that is whole. A frame that is cut off is what a
 * power cut leaves of the last write, and is no damage; a bad frame with a good one behind it is.
 * Files grow by whole pieces, and the header then says the new size, so a shorter file was cut.
 */
import { crc32 } from 'node:zlib';
import { messageOf } from '@reto3/core';
import { decodeRecord, type JournalRecord } from './record.ts';

const magic = Buffer.from('RETO3JNL', 'latin1');
const version = 1;

export const headerBytes = 64;
const seedAt = 12;
const idAt = 16;
const bootAt = 24;
const sizeAt = 32;
const headerCrcAt = headerBytes - 4;
const frameHeadBytes = 8;

/**
 * By how much a file grows: about four minutes of counts at 20 records a second, and an hour where
 * nothing comes.
 */
export const pieceBytes = 256 << 10;

export interface JournalHeader {
  /** Higher than that of every journal before it in this folder. */
  readonly id: number;
  /** The boot that writes it. */
  readonly boot: number;
  /** What the checksums of its frames begin with. */
  readonly seed: number;
  /** How many bytes the file has at least. */
  readonly size: number;
}

export function encodeHeader({ id, boot, seed, size }: JournalHeader): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  magic.copy(bytes);
  bytes.writeUInt8(version, magic.length);
  bytes.writeUInt32LE(seed, seedAt);
  bytes.writeBigUInt64LE(BigInt(id), idAt);
  bytes.writeBigUInt64LE(BigInt(boot), bootAt);
  bytes.writeBigUInt64LE(BigInt(size), sizeAt);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, headerCrcAt)), headerCrcAt);
  return bytes;
}

/** The frame of a record. */
export function frameOf(record: Uint8Array, seed: number): Buffer {
  const frame = Buffer.allocUnsafe(frameHeadBytes + record.length);
  frame.writeUInt32LE(record.length);
  frame.set(record, frameHeadBytes);
  frame.writeUInt32LE(checksum(frame, frame.length, 0, seed), 4);
  return frame;
}

/** What a journal file holds. */
export interface JournalContents {
  /** undefined where the header cannot be read; then nothing else can. */
  readonly header: JournalHeader | undefined;
  readonly records: readonly JournalRecord[];
  /** Why the records cannot be all that were written; undefined where they may be. */
  readonly damage: string | undefined;
  /** Whether there may have been others behind the last. */
  readonly isShort: boolean;
}

/** Reads a file as far as it can be read, also behind damage. */
export function readJournal(bytes: Buffer): JournalContents {
  const header = decodeHeader(bytes);
  if (header === undefined)
    return { header, records: [], damage: 'its header cannot be read', isShort: true };
  const records: JournalRecord[] = [];
  const isShort = bytes.length < header.size;
  let damage = isShort
    ? `it was cut: got ${bytes.length} bytes, want at least ${header.size}`
    : undefined;
  let at = headerBytes;
  // Where the frames so far have ended, while it is not known whether that is the end of them all.
  let badAt: number | undefined;
  while (at + frameHeadBytes <= bytes.length) {
    if (isZero(bytes, at)) break;
    const record = frameAt(bytes, at, header.seed);
    if (record === undefined) {
      badAt ??= at;
      at++;
      continue;
    }
    if (badAt !== undefined) {
      damage ??= `it is damaged at byte ${badAt}`;
      badAt = undefined;
    }
    at += frameHeadBytes + record.length;
    try {
      records.push(decodeRecord(record));
    } catch (error) {
      damage ??= `a record of it cannot be read: ${messageOf(error)}`;
    }
  }
  const [before, after] = outOfOrder(records);
  if (after !== undefined) damage ??= `its record ${after} stands behind its record ${before}`;
  return { header, records, damage, isShort };
}

const zeros = Buffer.alloc(pieceBytes);

/** Whether nothing was ever written from there on; looked at where a file may end. */
function isZero(bytes: Buffer, at: number): boolean {
  if (bytes.readUInt32LE(at) !== 0) return false;
  for (let from = at; from < bytes.length; from += zeros.length) {
    const piece = bytes.subarray(from, from + zeros.length);
    if (!piece.equals(zeros.subarray(0, piece.length))) return false;
  }
  return true;
}

function decodeHeader(bytes: Buffer): JournalHeader | undefined {
  if (bytes.length < headerBytes || !bytes.subarray(0, magic.length).equals(magic))
    return undefined;
  if (bytes.readUInt32LE(headerCrcAt) !== crc32(bytes.subarray(0, headerCrcAt))) return undefined;
  if (bytes[magic.length] !== version) return undefined;
  return {
    id: Number(bytes.readBigUInt64LE(idAt)),
    boot: Number(bytes.readBigUInt64LE(bootAt)),
    seed: bytes.readUInt32LE(seedAt),
    size: Number(bytes.readBigUInt64LE(sizeAt)),
  };
}

/** The record in the frame at an offset; undefined where there is no whole one. */
function frameAt(bytes: Buffer, at: number, seed: number): Buffer | undefined {
  const length = bytes.readUInt32LE(at);
  const end = at + frameHeadBytes + length;
  if (length === 0 || end > bytes.length) return undefined;
  if (bytes.readUInt32LE(at + 4) !== checksum(bytes, end, at, seed)) return undefined;
  return bytes.subarray(at + frameHeadBytes, end);
}

/** Over length and record; the seed comes first. */
function checksum(bytes: Buffer, end: number, at: number, seed: number): number {
  return crc32(bytes.subarray(at + frameHeadBytes, end), crc32(bytes.subarray(at, at + 4), seed));
}

function outOfOrder(records: readonly JournalRecord[]): [number?, number?] {
  let before = 0;
  for (const { sequence } of records) {
    if (sequence <= before) return [before, sequence];
    before = sequence;
  }
  return [];
}
