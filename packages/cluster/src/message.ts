/**
 * A message with some of a node's seconds, as absolute counts, and the time up to which it has
 * published everything. docs/format.md draws the bytes and the subject.
 *
 *     version · flags · seconds · boot · revision · vouchedFrom · mark · clock · first · seconds … · CRC-32
 *
 * The checksum covers the node's name, which is in the subject, so the message is invalid under any
 * other subject.
 */
import { crc32 } from 'node:zlib';
import { sec } from '@reto3/core';
import { packedBytes } from './second.ts';

const version = 1;
const flagLeaving = 1;
const headerBytes = 52;
const secondHeaderBytes = 2;
const crcBytes = 4;
/** From the first second of a message to its last. */
export const mostMessageMs = 0xffff * sec.windowMs;

/** A packed second. */
export interface NodeSecond {
  /** Epoch ms. */
  readonly start: number;
  readonly packed: Uint8Array;
}

export interface NodeMessage {
  /**
   * Number of the server's start, larger than that of any earlier start under this name; a wall time
   * in epoch ms unless a clock was ever ahead.
   */
  readonly boot: number;
  /** The last write of the node's store that the seconds include; grows with every write. */
  readonly revision: number;
  /** From then on only seconds from this boot or a later one count. Epoch ms. */
  readonly vouchedFrom: number;
  /** Everything before that is final, and in this message or an earlier one. Epoch ms. */
  readonly mark: number;
  /** The node's wall clock when it sent this, epoch ms. */
  readonly clock: number;
  /** The last message of a server that stops. */
  readonly leaving: boolean;
  /** In order of time, at most 65,535 s from the first to the last. */
  readonly seconds: readonly NodeSecond[];
}

/** The bytes are no message of this node. The text says why. */
export class BadMessage extends Error {
  override readonly name = 'BadMessage';
}

export function encodeMessage(message: NodeMessage, node: string): Uint8Array {
  const { seconds } = message;
  const first = seconds[0]?.start ?? 0;
  let length = headerBytes + crcBytes;
  for (const { packed } of seconds) length += secondHeaderBytes + packed.length;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, version);
  view.setUint8(1, message.leaving ? flagLeaving : 0);
  view.setUint16(2, seconds.length, true);
  const { boot, revision, vouchedFrom, mark, clock } = message;
  let at = 4;
  for (const whole of [boot, revision, vouchedFrom, mark, clock, first]) {
    view.setBigUint64(at, BigInt(whole), true);
    at += 8;
  }
  for (const { start, packed } of seconds) {
    const offset = (start - first) / sec.windowMs;
    if (!Number.isInteger(offset) || offset < 0 || offset > 0xffff)
      throw new RangeError(`got the second ${start} in a message from ${first}`);
    view.setUint16(at, offset, true);
    bytes.set(packed, at + secondHeaderBytes);
    at += secondHeaderBytes + packed.length;
  }
  view.setUint32(at, checksum(bytes.subarray(0, at), node), true);
  return bytes;
}

/** The seconds share memory with `bytes`. @throws BadMessage */
export function decodeMessage(bytes: Uint8Array, node: string): NodeMessage {
  if (bytes.length < headerBytes + crcBytes)
    throw new BadMessage(`got ${bytes.length} bytes, too few for a message`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - crcBytes;
  if (view.getUint8(0) !== version)
    throw new BadMessage(`got version ${view.getUint8(0)}, want ${version}`);
  if (view.getUint32(end, true) !== checksum(bytes.subarray(0, end), node))
    throw new BadMessage('its checksum does not match');
  // Anyone with permission to publish can compute the checksum, so the rest is not trusted either.
  const flags = view.getUint8(1);
  if ((flags & ~flagLeaving) !== 0) throw new BadMessage(`got flags ${flags}`);
  const whole = (field: number): number => {
    const value = Number(view.getBigUint64(4 + 8 * field, true));
    if (Number.isSafeInteger(value)) return value;
    throw new BadMessage(`got ${value}, want a whole number up to 2^53 - 1`);
  };
  const first = whole(5);
  if (first % sec.windowMs !== 0) throw new BadMessage(`got ${first}, want the start of a second`);
  const seconds: NodeSecond[] = [];
  let at = headerBytes;
  for (let left = view.getUint16(2, true); left > 0; left--) {
    const from = at + secondHeaderBytes;
    const length = from < end ? packedBytes(view.getUint8(from)) : undefined;
    if (length === undefined || from + length > end)
      throw new BadMessage(`its second at byte ${at} has no form`);
    const start = first + view.getUint16(at, true) * sec.windowMs;
    if (!Number.isSafeInteger(start) || start <= (seconds.at(-1)?.start ?? -1))
      throw new BadMessage(`its seconds are out of order at ${start}`);
    at = from + length;
    seconds.push({ start, packed: bytes.subarray(from, at) });
  }
  if (at !== end) throw new BadMessage(`got ${end - at} bytes after its last second`);
  return {
    boot: whole(0),
    revision: whole(1),
    vouchedFrom: whole(2),
    mark: whole(3),
    clock: whole(4),
    leaving: (flags & flagLeaving) !== 0,
    seconds,
  };
}

function checksum(bytes: Uint8Array, node: string): number {
  return crc32(bytes, crc32(node));
}
