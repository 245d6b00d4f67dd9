/**
 * A segment: a file of batches, appended to until it is converted. What was being written when the
 * server was killed is a torn tail: everything before it is read, and nothing of it.
 */
import { readFileSync } from 'node:fs';
import { Reto3Error } from '../errors.ts';
import { type Batch, batchAt, isLongEnough } from './batch.ts';

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
  /** Where the last whole batch ends: what lies behind is torn or damaged. */
  readonly wholeBytes: number;
  /** How long the file is. */
  readonly bytes: number;
  /**
   * Whether what lies behind was written to its end, and is not what was written: then a crash is no
   * reason for it.
   */
  readonly damaged: boolean;
}

/**
 * @throws Reto3Error RETO3_DATA_VERSION; what reading throws
 */
export function readSegment(path: string): SegmentContent {
  const bytes = readFileSync(path);
  const header = bytes.subarray(0, segmentHeaderBytes);
  // Nothing was ever appended to one that has not got so far.
  if (header.length < segmentHeaderBytes)
    return { batches: [], messages: 0, wholeBytes: 0, bytes: bytes.length, damaged: false };
  if (!header.equals(segmentHeader()))
    throw new Reto3Error(
      'RETO3_DATA_VERSION',
      `cannot read the segment ${path}: got the header ${header.toString('hex')}, want version ${formatVersion}`,
    );
  const batches: Batch[] = [];
  let messages = 0;
  let at = segmentHeaderBytes;
  for (let batch = batchAt(bytes, at); batch !== undefined; batch = batchAt(bytes, at)) {
    batches.push(batch);
    messages += batch.count;
    at += batch.buffer.length;
  }
  const damaged = isLongEnough(bytes, at);
  return { batches, messages, wholeBytes: at, bytes: bytes.length, damaged };
}

/**
 * The same, for whoever makes numbers of it: what is torn off is missing from the counts as well, or
 * a start says so; what is damaged would be missing without a word.
 * @throws Reto3Error RETO3_ARCHIVE_DAMAGED, RETO3_DATA_VERSION; what reading throws
 */
export function readSound(path: string): SegmentContent {
  const content = readSegment(path);
  if (!content.damaged) return content;
  const { bytes, wholeBytes } = content;
  throw new Reto3Error(
    'RETO3_ARCHIVE_DAMAGED',
    `cannot read the archive: ${path} is damaged ${wholeBytes} bytes from its beginning, of ${bytes}`,
  );
}
