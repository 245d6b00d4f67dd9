/**
 * Verifies LevelDB's write-ahead logs before LevelDB reads them.
 *
 * LevelDB skips a log record whose checksum fails, so a flipped bit would silently remove a batch.
 * A torn record at the end of the log comes from a crash, and is no damage; a bad record before a
 * good one cannot. (The anchor reveals a log whose end is missing.)
 *
 * The format is LevelDB's own (its doc/log_format.md): blocks of 32 KiB; a record is checksum (u32,
 * masked CRC-32C of type and data), length (u16), type (u8), data; fewer than 7 bytes at the end of
 * a block are padding.
 */
import { readdir } from 'node:fs/promises';
import crc32c from 'crc-32/crc32c.js';
import { readIfPresent } from './read-file.ts';

const blockBytes = 32_768;
const headerBytes = 7;
const recordType = { full: 1, first: 2, middle: 3, last: 4 } as const;

export function isLog(name: string): boolean {
  return /^\d+\.log$/.test(name);
}

/** The offset of the damage in a log; undefined if it is intact, or only its end is torn. */
export function findDamage(log: Uint8Array): number | undefined {
  const end = firstBadRecord(log);
  if (end === log.length) return undefined;
  // Only the last record can be torn, so a good record behind proves damage. The bad record may end
  // anywhere: the flipped bit may be in its length.
  for (let at = end + 1; at + headerBytes <= log.length; at++) {
    if (goodRecordEnd(log, at) !== undefined) return end;
  }
  return undefined;
}

/** The damaged logs of a folder, with the offset of the damage. */
export async function damagedLogs(folder: string): Promise<{ file: string; offset: number }[]> {
  const damaged: { file: string; offset: number }[] = [];
  for (const file of (await readdir(folder)).filter(isLog)) {
    const log = await readIfPresent(folder, file);
    const offset = log && findDamage(log);
    if (offset !== undefined) damaged.push({ file, offset });
  }
  return damaged;
}

/** The records of a log, with their fragments joined; undefined if the log is damaged. */
export function recordsOf(log: Uint8Array): Buffer[] | undefined {
  return findDamage(log) === undefined ? intactRecordsOf(log) : undefined;
}

/** The records before the first bad one, with their fragments joined. */
export function intactRecordsOf(log: Uint8Array): Buffer[] {
  const records: Buffer[] = [];
  let parts: Uint8Array[] = [];
  firstBadRecord(log, (type, data) => {
    if (type === recordType.full || type === recordType.first) parts = [];
    parts.push(data);
    if (type === recordType.full || type === recordType.last) records.push(Buffer.concat(parts));
  });
  return records;
}

/** The offset of the first bad record; the length of the log if all are good. */
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

/** The end of the record at `at`; undefined if it is not a good one. */
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

/** The form in which LevelDB stores a CRC: a CRC of bytes that contain CRCs would be weak. */
export function maskChecksum(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
