/**
 * A segment: a file of batches, appended to until it is converted. What was being written when the
 * server was killed is a torn tail: everything before it is read, and nothing of it. A batch whose
 * bytes changed costs that batch alone: reading goes on at the next whole one behind it.
 */
import { readFileSync } from 'node:fs';
import { Reto3Error } from '@reto3/core';
import { type Batch, batchAt, isLongEnough, mayBeBatch } from './batch.ts';
import { Checksums } from './checksums.ts';

const magic = 'reto3seg';
const formatVersion = 1;
export const segmentHeaderBytes = 16;

export function segmentHeader(): Buffer {
  const header = Buffer.alloc(segmentHeaderBytes);
  header.write(magic, 'latin1');
  header.writeUInt32LE(formatVersion, magic.length);
  return header;
}

/** What is whole in a segment. */
export interface SegmentContent {
  readonly batches: readonly Batch[];
  /** How many messages these hold. */
  readonly messages: number;
  /** Where the last whole batch ends; bytes from the beginning of the file. */
  readonly wholeBytes: number;
  /** How long the file is. */
  readonly bytes: number;
  /**
   * Bytes that were written to their end, and are not what was written: then a crash is no reason
   * for it. The rest behind `wholeBytes` is a torn tail.
   */
  readonly damaged: readonly Stretch[];
}

/** Bytes [from, to) of a file. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

/**
 * @throws Reto3Error RETO3_DATA_VERSION; what reading throws
 */
export function readSegment(path: string): SegmentContent {
  const bytes = readFileSync(path);
  const header = bytes.subarray(0, segmentHeaderBytes);
  // Nothing was ever appended to one that has not got so far.
  if (header.length < segmentHeaderBytes)
    return { batches: [], messages: 0, wholeBytes: 0, bytes: bytes.length, damaged: [] };
  if (!header.equals(segmentHeader()))
    throw new Reto3Error(
      'RETO3_DATA_VERSION',
      `cannot read the segment ${path}: got the header ${header.toString('hex')}, want version ${formatVersion}`,
    );
  const checksums = new Checksums(bytes);
  const batches: Batch[] = [];
  const damaged: Stretch[] = [];
  let messages = 0;
  let wholeBytes = segmentHeaderBytes;
  for (let at = wholeBytes; at < bytes.length; ) {
    const batch = batchAt(bytes, at, checksums);
    if (batch === undefined) {
      const next = nextBatch(bytes, at, checksums);
      if (next !== undefined) damaged.push({ from: at, to: next });
      else if (isLongEnough(bytes, at)) damaged.push({ from: at, to: bytes.length });
      if (next === undefined) break;
      at = next;
      continue;
    }
    batches.push(batch);
    messages += batch.count;
    at += batch.buffer.length;
    wholeBytes = at;
  }
  return { batches, messages, wholeBytes, bytes: bytes.length, damaged };
}

/** Where the next whole batch begins behind a bad one; undefined where none does. */
function nextBatch(bytes: Buffer, bad: number, checksums: Checksums): number | undefined {
  // The length of the bad one, as long as that is right: a look for the next would also find bytes
  // that a client sent.
  const behind = isLongEnough(bytes, bad) ? bad + bytes.readUInt32LE(bad) : bytes.length;
  if (batchAt(bytes, behind, checksums) !== undefined) return behind;
  for (let at = bad + 1; at < bytes.length; at++)
    if (mayBeBatch(bytes, at) && batchAt(bytes, at, checksums) !== undefined) return at;
  return undefined;
}

/**
 * The same, for whoever makes numbers of it: what is torn off is missing from the counts as well, or
 * a start says so; what is damaged would be missing without a word.
 * @throws Reto3Error RETO3_ARCHIVE_DAMAGED, RETO3_DATA_VERSION; what reading throws
 */
export function readSound(path: string): SegmentContent {
  const content = readSegment(path);
  const [first] = content.damaged;
  if (first === undefined) return content;
  throw new Reto3Error(
    'RETO3_ARCHIVE_DAMAGED',
    `cannot read the archive: ${path} is damaged ${first.from} bytes from its beginning, of ${content.bytes}`,
  );
}
