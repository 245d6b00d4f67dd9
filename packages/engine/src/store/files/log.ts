/**
 * Checks LevelDB's write-ahead logs before LevelDB reads them.
 *
 * LevelDB drops a log record whose checksum fails and goes on, so a flipped bit would silently take
 * a flush away. A record that is cut off at the end of the log is what a crash leaves behind, and is
 * no damage; a bad record with a good one after it cannot come from a crash. (That the end of a log
 * is missing altogether shows in the anchor.)
 *
 * The format is LevelDB's own (its doc/log_format.md): blocks of 32 KiB; a record is checksum (u32,
 * masked CRC-32C of type and data), length (u16), type (u8), data; less than 7 bytes at the end of
 * a block are padding.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import crc32c from 'crc-32/crc32c.js';

const blockBytes = 32_768;
const headerBytes = 7;
const recordType = { full: 1, first: 2, middle: 3, last: 4 } as const;

const logName = /^\d+\.log$/;

/** Where a log is damaged; undefined where it is whole, or only its end was cut off. */
export function findDamage(log: Uint8Array): number | undefined {
  const end = firstBadRecord(log);
  if (end === log.length) return undefined;
  // Nothing but the record at hand can be torn, so any good record behind it proves damage. Where
  // the bad one ends is not known: its length may be what was flipped.
  for (let at = end + 1; at + headerBytes <= log.length; at++) {
    if (goodRecordEnd(log, at) !== undefined) return end;
  }
  return undefined;
}

/** The names of the logs in a folder that are damaged, with the offset. */
export async function damagedLogs(folder: string): Promise<{ file: string; offset: number }[]> {
  const damaged: { file: string; offset: number }[] = [];
  for (const file of (await readdir(folder)).filter((name) => logName.test(name))) {
    const offset = findDamage(await readFile(join(folder, file)));
    if (offset !== undefined) damaged.push({ file, offset });
  }
  return damaged;
}

/** The records of a log, those in parts joined; undefined where it is damaged. */
export function recordsOf(log: Uint8Array): Buffer[] | undefined {
  if (findDamage(log) !== undefined) return undefined;
  const records: Buffer[] = [];
  let parts: Uint8Array[] = [];
  firstBadRecord(log, (type, data) => {
    if (type === recordType.full || type === recordType.first) parts = [];
    parts.push(data);
    if (type === recordType.full || type === recordType.last) records.push(Buffer.concat(parts));
  });
  return records;
}

function firstBadRecord(
  log: Uint8Array,
  onRecord?: (type: number, data: Uint8Array) => void,
): number {
  let at = 0;
  while (at < log.length) {
    const leftInBlock = blockBytes - (at % blockBytes);
    if (leftInBlock < headerBytes) {
      at = Math.min(log.length, at + leftInBlock);
      continue;
    }
    const end = goodRecordEnd(log, at);
    if (end === undefined) return at;
    onRecord?.(log[at + headerBytes - 1] ?? 0, log.subarray(at + headerBytes, end));
    at = end;
  }
  return log.length;
}

/** The offset after the record at `at` if it is a good one. */
function goodRecordEnd(log: Uint8Array, at: number): number | undefined {
  if (at + headerBytes > log.length) return undefined;
  const header = new DataView(log.buffer, log.byteOffset + at, headerBytes);
  const length = header.getUint16(4, true);
  const type = header.getUint8(6);
  const end = at + headerBytes + length;
  if (type === 0 || type > recordType.last || end > log.length) return undefined;
  if (length > blockBytes - (at % blockBytes) - headerBytes) return undefined;
  const crc = crc32c.buf(log.subarray(at + headerBytes - 1, end));
  return header.getUint32(0, true) === maskChecksum(crc) ? end : undefined;
}

/** LevelDB stores checksums rotated and shifted, so that data which holds checksums stays checkable. */
export function maskChecksum(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
