/**
 * Bytes of a batch: the messages that one worker took in one hour, one after the other. A worker
 * writes it once, into shared memory; the archive's thread seals it and appends the same bytes to a
 * segment. docs/format.md draws it. Little-endian, as the machines are that write it.
 */
import { crc32 } from 'node:zlib';
import { Checksums } from './checksums.ts';
import { hourMs } from './layout.ts';

/** The parts of a message that are kept. */
export interface ArchivedMessage {
  /** Epoch ms, a whole number. */
  readonly arrivedMs: number;
  readonly worker: number;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** At most its first 64 KiB. */
  readonly body: Uint8Array;
  /** How many bytes the whole body had. */
  readonly bodyBytes: number;
}

/** In the header of a batch: where each of its fields lies. */
export const lengthAt = 0;
const checksumAt = 4;
/** The write of the store that holds the messages; 8 bytes, as a float. */
const writeAt = 8;
/** Start of the hour, epoch ms; 8 bytes, as a float. */
export const hourAt = 16;
export const countAt = 24;
export const workerAt = 28;
export const batchHeaderBytes = 32;

/** Fixed part of a message: 4 time within the hour, 4 body, 4 kept, 2 path, 2 query, 1 method. */
const messageHeaderBytes = 17;
const mostTextBytes = 0xffff;
const mostMethodBytes = 0xff;

/** Bytes that a message takes at most. A UTF-16 unit becomes three bytes at most. */
export function mostMessageBytes(
  method: string,
  path: string,
  query: string,
  keptBytes: number,
): number {
  return messageHeaderBytes + 3 * (method.length + path.length + query.length) + keptBytes;
}

/** A buffer with a view of the same bytes. */
export interface Bytes {
  readonly buffer: Buffer;
  readonly view: DataView;
}

export function bytesOver(memory: ArrayBufferLike, offset: number, length: number): Bytes {
  return {
    buffer: Buffer.from(memory, offset, length),
    view: new DataView(memory, offset, length),
  };
}

/**
 * Writes a message at an offset and returns where it ends; there must be room for
 * `mostMessageBytes`. The hot path of the archive: allocates nothing for what is plain ASCII.
 */
export function writeMessage(
  { buffer, view }: Bytes,
  at: number,
  intoHourMs: number,
  method: string,
  path: string,
  query: string,
  body: Uint8Array,
  bodyBytes: number,
): number {
  view.setUint32(at, intoHourMs, true);
  view.setUint32(at + 4, bodyBytes, true);
  view.setUint32(at + 8, body.length, true);
  let end = at + messageHeaderBytes;
  const methodBytes = writeText(buffer, end, method, mostMethodBytes);
  end += methodBytes;
  const pathBytes = writeText(buffer, end, path, mostTextBytes);
  end += pathBytes;
  const queryBytes = writeText(buffer, end, query, mostTextBytes);
  end += queryBytes;
  view.setUint16(at + 12, pathBytes, true);
  view.setUint16(at + 14, queryBytes, true);
  view.setUint8(at + 16, methodBytes);
  buffer.set(body, end);
  return end + body.length;
}

/** UTF-8, whole characters only. */
function writeText(buffer: Buffer, at: number, text: string, mostBytes: number): number {
  if (text.length <= mostBytes) {
    let index = 0;
    for (; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (unit >= 0x80) break;
      buffer[at + index] = unit;
    }
    if (index === text.length) return index;
  }
  return buffer.write(text, at, Math.min(mostBytes, buffer.length - at), 'utf8');
}

/** Notes which write of the store holds the batch, and puts the checksum in; `bytes` is all of it. */
export function sealBatch({ buffer, view }: Bytes, length: number, write: number): void {
  view.setFloat64(writeAt, write, true);
  view.setUint32(checksumAt, crc32(buffer.subarray(writeAt, length)), true);
}

/** A whole batch in the bytes of a segment. */
export interface Batch extends Bytes {
  readonly write: number;
  readonly hour: number;
  readonly count: number;
  readonly worker: number;
}

/**
 * The batch that begins at an offset of a segment; undefined where there is no whole one, because
 * writing it was interrupted or its bytes changed.
 * @param checksums of the segment's bytes; to be the same for all that is looked for in them
 */
export function batchAt(
  segment: Buffer,
  at: number,
  checksums = new Checksums(segment),
): Batch | undefined {
  if (!isLongEnough(segment, at)) return undefined;
  const length = segment.readUInt32LE(at + lengthAt);
  const checksum = checksums.of(at + writeAt, at + length);
  if (checksum !== segment.readUInt32LE(at + checksumAt)) return undefined;
  const { buffer, view } = bytesOver(segment.buffer, segment.byteOffset + at, length);
  return {
    buffer,
    view,
    write: view.getFloat64(writeAt, true),
    hour: view.getFloat64(hourAt, true),
    count: view.getUint32(countAt, true),
    worker: view.getUint32(workerAt, true),
  };
}

/** Whether as many bytes follow there as a batch says that it has. */
export function isLongEnough(segment: Buffer, at: number): boolean {
  if (at + batchHeaderBytes > segment.length) return false;
  const length = segment.readUInt32LE(at + lengthAt);
  return length >= batchHeaderBytes && at + length <= segment.length;
}

/** Whether a batch may begin there: cheap, for a look at every byte. */
export function mayBeBatch(segment: Buffer, at: number): boolean {
  if (!isLongEnough(segment, at)) return false;
  const hour = segment.readDoubleLE(at + hourAt);
  return hour > 0 && hour % hourMs === 0 && segment.readUInt32LE(at + countAt) > 0;
}

/** The messages of a batch, one after the other. Bodies are views of its bytes. */
export function* messagesOf({
  buffer,
  view,
  hour,
  count,
  worker,
}: Batch): Generator<ArchivedMessage> {
  let at = batchHeaderBytes;
  for (let index = 0; index < count; index++) {
    const pathAt = at + messageHeaderBytes + view.getUint8(at + 16);
    const queryAt = pathAt + view.getUint16(at + 12, true);
    const bodyAt = queryAt + view.getUint16(at + 14, true);
    const end = bodyAt + view.getUint32(at + 8, true);
    yield {
      arrivedMs: hour + view.getUint32(at, true),
      worker,
      method: buffer.toString('utf8', at + messageHeaderBytes, pathAt),
      path: buffer.toString('utf8', pathAt, queryAt),
      query: buffer.toString('utf8', queryAt, bodyAt),
      body: buffer.subarray(bodyAt, end),
      bodyBytes: view.getUint32(at + 4, true),
    };
    at = end;
  }
}

if (hourMs > 0xffff_ffff) throw new Error('BUG: the time within an hour must fit into 32 bits');
