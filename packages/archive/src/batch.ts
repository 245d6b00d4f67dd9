/**
 * The bytes of a batch: consecutive messages of one worker in one hour. The worker writes them once,
 * into shared memory; the archive's thread adds the checksum and appends the same bytes to a segment.
 * Little-endian; docs/format.md has a drawing.
 */
import { crc32 } from 'node:zlib';
import type { Message } from '@reto3/reports';
import { Checksums } from './checksums.ts';
import { hourMs } from './layout.ts';

/** Offsets of the fields in the header of a batch. */
export const lengthAt = 0;
const checksumAt = 4;
/** The number of the store's write that has the messages; 8 bytes, as a float. */
const writeAt = 8;
/** Start of the hour, epoch ms; 8 bytes, as a float. */
export const hourAt = 16;
export const countAt = 24;
export const workerAt = 28;
export const batchHeaderBytes = 32;

/**
 * The fixed part of a message: time within the hour (4 bytes), then the sizes of the body (4), the
 * kept body (4), path (2), query (2), method (1), host (1) and client (1).
 */
const messageHeaderBytes = 19;
/** Messages of version 1 segments have neither host and client nor this flag. */
const oldMessageHeaderBytes = 17;
/** A flag in the size of the kept body, which is far smaller: host and client follow. */
const flagAddressed = 0x8000_0000;
const maxTextBytes = 0xffff;
const maxNameBytes = 0xff;

/** An upper bound of a message's size: UTF-8 takes at most three bytes per UTF-16 unit. */
export function maxMessageBytes(
  method: string,
  path: string,
  query: string,
  keptBytes: number,
  host = '',
  client = '',
): number {
  const chars = method.length + path.length + query.length + host.length + client.length;
  return messageHeaderBytes + 3 * chars + keptBytes;
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
 * Writes a message and returns the offset after it. There must be room for `maxMessageBytes`. Hot
 * path: allocates nothing for ASCII.
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
  host = '',
  client = '',
): number {
  view.setUint32(at, intoHourMs, true);
  view.setUint32(at + 4, bodyBytes, true);
  view.setUint32(at + 8, (body.length | flagAddressed) >>> 0, true);
  let end = at + messageHeaderBytes;
  const methodBytes = writeText(buffer, end, method, maxNameBytes);
  end += methodBytes;
  const pathBytes = writeText(buffer, end, path, maxTextBytes);
  end += pathBytes;
  const queryBytes = writeText(buffer, end, query, maxTextBytes);
  end += queryBytes;
  const hostBytes = writeText(buffer, end, host, maxNameBytes);
  end += hostBytes;
  const clientBytes = writeText(buffer, end, client, maxNameBytes);
  end += clientBytes;
  view.setUint16(at + 12, pathBytes, true);
  view.setUint16(at + 14, queryBytes, true);
  view.setUint8(at + 16, methodBytes);
  view.setUint8(at + 17, hostBytes);
  view.setUint8(at + 18, clientBytes);
  buffer.set(body, end);
  return end + body.length;
}

/** Writes as much of a text as fits, as UTF-8, without splitting a character. */
function writeText(buffer: Buffer, at: number, text: string, maxBytes: number): number {
  if (text.length <= maxBytes) {
    let index = 0;
    for (; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (unit >= 0x80) break;
      buffer[at + index] = unit;
    }
    if (index === text.length) return index;
  }
  return buffer.write(text, at, Math.min(maxBytes, buffer.length - at), 'utf8');
}

/** Writes the number of the store's write, and the checksum. */
export function sealBatch({ buffer, view }: Bytes, length: number, write: number): void {
  view.setFloat64(writeAt, write, true);
  view.setUint32(checksumAt, crc32(buffer.subarray(writeAt, length)), true);
}

/** A complete batch in a segment. */
export interface Batch extends Bytes {
  readonly write: number;
  readonly hour: number;
  readonly count: number;
  readonly worker: number;
}

/**
 * The batch at an offset of a segment; undefined if it is incomplete, because a crash interrupted
 * the write or because its bytes changed.
 * @param checksums of the segment; share one object between all calls for a segment
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

/** Whether the segment is long enough for the batch that starts here. */
export function isLongEnough(segment: Buffer, at: number): boolean {
  if (at + batchHeaderBytes > segment.length) return false;
  const length = segment.readUInt32LE(at + lengthAt);
  return length >= batchHeaderBytes && at + length <= segment.length;
}

/** Whether a batch may start here. Cheap, since a search tries every byte. */
export function mayBeBatch(segment: Buffer, at: number): boolean {
  if (!isLongEnough(segment, at)) return false;
  const hour = segment.readDoubleLE(at + hourAt);
  return hour > 0 && hour % hourMs === 0 && segment.readUInt32LE(at + countAt) > 0;
}

const noHeaders: Message['headers'] = {};

/** The messages of a batch, in order. Bodies are views of the batch's bytes. */
export function* messagesOf({ buffer, view, hour, count, worker }: Batch): Generator<Message> {
  let at = batchHeaderBytes;
  for (let index = 0; index < count; index++) {
    const kept = view.getUint32(at + 8, true);
    const isAddressed = kept >= flagAddressed;
    const methodAt = at + (isAddressed ? messageHeaderBytes : oldMessageHeaderBytes);
    const pathAt = methodAt + view.getUint8(at + 16);
    const queryAt = pathAt + view.getUint16(at + 12, true);
    const hostAt = queryAt + view.getUint16(at + 14, true);
    const clientAt = hostAt + (isAddressed ? view.getUint8(at + 17) : 0);
    const bodyAt = clientAt + (isAddressed ? view.getUint8(at + 18) : 0);
    const end = bodyAt + (isAddressed ? kept - flagAddressed : kept);
    yield {
      arrivedMs: hour + view.getUint32(at, true),
      worker,
      method: buffer.toString('utf8', methodAt, pathAt),
      path: buffer.toString('utf8', pathAt, queryAt),
      query: buffer.toString('utf8', queryAt, hostAt),
      body: buffer.subarray(bodyAt, end),
      bodyBytes: view.getUint32(at + 4, true),
      host: buffer.toString('utf8', hostAt, clientAt),
      client: buffer.toString('utf8', clientAt, bodyAt),
      headers: noHeaders,
      status: 200,
      durationMs: undefined,
      source: undefined,
    };
    at = end;
  }
}

if (hourMs > 0xffff_ffff) throw new Error('BUG: the time within an hour must fit into 32 bits');
