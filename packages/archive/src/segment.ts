/**
 * A segment: an append-only file of batches that is later converted. An incomplete batch at its
 * end, left by a crash, is a torn tail and is ignored. A damaged batch costs only itself: reading
 * continues at the next intact one.
 */
import { readFileSync } from 'node:fs';
import { Reto3Error } from '@reto3/core';
import { type Batch, batchAt, isLongEnough, mayBeBatch } from './batch.ts';
import { Checksums } from './checksums.ts';

const magic = 'reto3seg';
/** Messages of version 1 have no host and client; batch.ts tells the versions apart. */
const formatVersion = 2;
const oldestVersion = 1;
export const segmentHeaderBytes = 16;

export function segmentHeader(version = formatVersion): Buffer {
  const header = Buffer.alloc(segmentHeaderBytes);
  header.write(magic, 'latin1');
  header.writeUInt32LE(version, magic.length);
  return header;
}

function isHeader(bytes: Buffer): boolean {
  const version = bytes.readUInt32LE(magic.length);
  const isKnown = version >= oldestVersion && version <= formatVersion;
  return isKnown && bytes.equals(segmentHeader(version));
}

/** The intact content of a segment. */
export interface SegmentContent {
  readonly batches: readonly Batch[];
  /** The number of messages in these batches. */
  readonly messages: number;
  /** The end of the last intact batch, as an offset in the file. */
  readonly wholeBytes: number;
  /** The size of the file. */
  readonly bytes: number;
  /**
   * Ranges that were written completely and changed later, which no crash explains. All other bytes
   * after `wholeBytes` are a torn tail.
   */
  readonly damaged: readonly Stretch[];
}

/** Bytes [from, to) of a file. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** @throws Reto3Error RETO3_DATA_VERSION; errors of reading */
export function readSegment(path: string): SegmentContent {
  const bytes = readFileSync(path);
  const header = bytes.subarray(0, segmentHeaderBytes);
  // Nothing is appended before the header is complete, so the file is empty.
  if (header.length < segmentHeaderBytes)
    return { batches: [], messages: 0, wholeBytes: 0, bytes: bytes.length, damaged: [] };
  const checksums = new Checksums(bytes);
  const batches: Batch[] = [];
  const damaged: Stretch[] = [];
  if (!isHeader(header)) {
    // An intact batch follows, so the version is not a later one but damaged.
    const isOurs = batchAt(bytes, segmentHeaderBytes, checksums) !== undefined;
    if (!isOurs && header.toString('latin1', 0, magic.length) === magic)
      throw new Reto3Error(
        'RETO3_DATA_VERSION',
        `cannot read the segment ${path}: got the header ${header.toString('hex')}, want version ${oldestVersion} to ${formatVersion}`,
      );
    damaged.push({ from: 0, to: segmentHeaderBytes });
  }
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
  // Without a header and an intact batch, the file is not a segment at all.
  if (damaged[0]?.from === 0 && batches.length === 0)
    damaged.splice(0, damaged.length, { from: 0, to: bytes.length });
  return { batches, messages, wholeBytes, bytes: bytes.length, damaged };
}

/** The offset of the next intact batch after a bad one; undefined if there is none. */
function nextBatch(bytes: Buffer, bad: number, checksums: Checksums): number | undefined {
  // Try the end of the bad batch first, since a search may find a fake batch that a client sent.
  const behind = isLongEnough(bytes, bad) ? bad + bytes.readUInt32LE(bad) : bytes.length;
  if (batchAt(bytes, behind, checksums) !== undefined) return behind;
  for (let at = bad + 1; at < bytes.length; at++)
    if (mayBeBatch(bytes, at) && batchAt(bytes, at, checksums) !== undefined) return at;
  return undefined;
}

/**
 * Reads a segment for computing numbers, which damaged batches would falsify silently. A torn tail
 * is acceptable: the counts lack its messages too, or a start logs them.
 * @throws Reto3Error RETO3_ARCHIVE_DAMAGED, RETO3_DATA_VERSION; errors of reading
 */
export function readIntact(path: string): SegmentContent {
  const content = readSegment(path);
  const [first] = content.damaged;
  if (first === undefined) return content;
  throw new Reto3Error(
    'RETO3_ARCHIVE_DAMAGED',
    `cannot read the archive: ${path} is damaged at byte ${first.from} of ${content.bytes}`,
  );
}
