/**
 * The codec of all rows of windows: blocks of the three periods, and journal rows. docs/format.md
 * draws the bytes.
 *
 *     version · flags · width · total · [bitmap counted] · [bitmap revised] · [bitmap partial] ·
 *     [bitmap seconds only] · planes · CRC-32
 *
 * Counts take the fewest bytes that the largest needs, split into byte planes (all lowest bytes
 * first), because deflate compresses equal high bytes best. The checksum covers the name of the
 * row: a row under another key is damage, not data. Decoding returns the exact counts or throws
 * `DamagedRow`.
 */
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import {
  allocateWindows,
  messageOf,
  ms10,
  ms10PerSecond,
  secondsOnly,
  totalOf,
  type Windows,
} from '@reto3/core';

const version = 1;
const flagGaps = 1;
const flagRevised = 2;
const flagDeflated = 4;
const flagPartial = 8;
const flagSecondsOnly = 16;
const knownFlags = flagGaps | flagRevised | flagDeflated | flagPartial | flagSecondsOnly;

/** Shared by all ms10 windows, which are never partial: a day has 1,440 blocks of them. */
const neverPartial = new Uint8Array(ms10.blockWindows);

const totalOffset = 3;
const headerBytes = 11;
const crcBytes = 4;
// 2⁵³ − 1, the largest count, needs 7 bytes.
const maxWidth = 7;
// Deflate saves nothing below. A journal row (100 windows) stays plain and costs no call.
const deflateFromBytes = 512;

/** The bytes are not those that were written. The message tells how they differ. */
export class DamagedRow extends Error {
  override readonly name = 'DamagedRow';
}

/** The level of deflate for blocks that are written a few times and kept for years. */
export const keptLevel = 9;
/** A tenth larger, three to eight times as fast: for thousands of blocks at once. */
export const fastLevel = 6;

/**
 * Encodes windows.
 * @param name of the row; the checksum covers it
 * @param level of deflate
 * @throws RangeError for an invalid count, or a total above 2⁵³ − 1, which would not be exact
 */
export function encodeWindows(windows: Windows, name: Uint8Array, level = keptLevel): Uint8Array {
  const bitmaps = bitmapsOf(windows);
  const width = widthOf(windows.counts);
  const total = totalOf(windows);
  if (!Number.isSafeInteger(total))
    throw new RangeError(`got counts that add up to ${total}, want at most 2^53 - 1`);
  const planes = toPlanes(windows.counts, width);
  const deflated =
    planes.length >= deflateFromBytes ? deflateRawSync(planes, { level, memLevel: 9 }) : undefined;
  const isDeflated = deflated !== undefined && deflated.length < planes.length;
  const body = isDeflated ? deflated : planes;

  const bitmapsBytes = bitmaps.reduce((sum, { bits }) => sum + bytesOf(bits.length), 0);
  const bytes = new Uint8Array(headerBytes + bitmapsBytes + body.length + crcBytes);
  const view = new DataView(bytes.buffer);
  let flags = isDeflated ? flagDeflated : 0;
  let offset = headerBytes;
  for (const { flag, bits } of bitmaps) {
    flags |= flag;
    packBits(bits, bytes.subarray(offset, offset + bytesOf(bits.length)));
    offset += bytesOf(bits.length);
  }
  view.setUint8(0, version);
  view.setUint8(1, flags);
  view.setUint8(2, width);
  view.setBigUint64(totalOffset, BigInt(total), true);
  bytes.set(body, offset);
  return sealed(bytes, name);
}

/** An encoded row under another name. Only the checksum differs. */
export function renamed(row: Uint8Array, name: Uint8Array): Uint8Array {
  return sealed(row.slice(), name);
}

/** Puts the checksum behind the row, in place. */
function sealed(bytes: Uint8Array, name: Uint8Array): Uint8Array {
  const crc = checksum(bytes.subarray(0, -crcBytes), name);
  new DataView(bytes.buffer).setUint32(bytes.length - crcBytes, crc, true);
  return bytes;
}

interface Bitmap {
  readonly flag: number;
  /** A byte for each bit; 0 or another value. */
  readonly bits: Uint8Array;
}

/** The bitmaps that these windows need, in their order in a row. */
function bitmapsOf({ counted, revised, partial }: Windows): Bitmap[] {
  const bitmaps: Bitmap[] = [];
  if (counted.includes(0)) bitmaps.push({ flag: flagGaps, bits: counted });
  if (revised.includes(1)) bitmaps.push({ flag: flagRevised, bits: revised });
  if (partial.includes(1)) bitmaps.push({ flag: flagPartial, bits: partial });
  if (counted.includes(secondsOnly))
    bitmaps.push({ flag: flagSecondsOnly, bits: secondsOnlyOf(counted) });
  return bitmaps;
}

/** Decodes the `length` windows of the row called `name`. @throws DamagedRow */
export function decodeWindows(bytes: Uint8Array, length: number, name: Uint8Array): Windows {
  if (bytes.length < headerBytes + crcBytes)
    throw new DamagedRow(`got ${bytes.length} bytes, too few for a row`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const crc = view.getUint32(bytes.length - crcBytes, true);
  if (crc !== checksum(bytes.subarray(0, -crcBytes), name))
    throw new DamagedRow('its checksum does not match');
  // The checksum proves that some version of this codec wrote the bytes.
  const flags = view.getUint8(1);
  const width = view.getUint8(2);
  if (view.getUint8(0) !== version || (flags & ~knownFlags) !== 0 || width > maxWidth) {
    throw new DamagedRow(
      `got row version ${view.getUint8(0)}, flags ${flags}, width ${width}; want version ${version}`,
    );
  }

  const isMs10 = length === ms10.blockWindows || length === ms10PerSecond;
  const shared =
    isMs10 && (flags & flagPartial) === 0 ? neverPartial.subarray(0, length) : undefined;
  const windows = allocateWindows(length, shared);
  let offset = headerBytes;
  const readBits = (into: Uint8Array): void => {
    unpackBits(bytes.subarray(offset, offset + bytesOf(into.length)), into);
    offset += bytesOf(into.length);
  };
  if ((flags & flagGaps) === 0) windows.counted.fill(1);
  else readBits(windows.counted);
  if ((flags & flagRevised) !== 0) readBits(windows.revised);
  if ((flags & flagPartial) !== 0) readBits(windows.partial);
  if ((flags & flagSecondsOnly) !== 0) {
    if (!isMs10) throw new DamagedRow('only rows of ms10 windows have seconds only');
    const seconds = new Uint8Array(length / ms10PerSecond);
    readBits(seconds);
    for (const [second, bit] of seconds.entries()) {
      const first = second * ms10PerSecond;
      if (bit === 1) windows.counted.fill(secondsOnly, first, first + ms10PerSecond);
    }
  }
  const body = bytes.subarray(offset, -crcBytes);
  const planes = (flags & flagDeflated) === 0 ? body : inflate(body, length * width);
  if (planes.length !== length * width) {
    throw new DamagedRow(`got ${planes.length} bytes of counts, want ${length * width}`);
  }
  fromPlanes(planes, width, windows.counts);
  const total = Number(view.getBigUint64(totalOffset, true));
  if (total !== totalOf(windows))
    throw new DamagedRow(`its counts add up to ${totalOf(windows)}, want ${total}`);
  return windows;
}

function bytesOf(bits: number): number {
  return Math.ceil(bits / 8);
}

/** 1 for each second of ms10 windows whose messages have no finer time. */
function secondsOnlyOf(counted: Uint8Array): Uint8Array {
  const seconds = new Uint8Array(counted.length / ms10PerSecond);
  for (const second of seconds.keys())
    seconds[second] = counted[second * ms10PerSecond] === secondsOnly ? 1 : 0;
  return seconds;
}

function checksum(bytes: Uint8Array, name: Uint8Array): number {
  return crc32(bytes, crc32(name));
}

function inflate(body: Uint8Array, maxOutputLength: number): Uint8Array {
  try {
    return inflateRawSync(body, { maxOutputLength });
  } catch (error) {
    throw new DamagedRow(`its counts do not inflate: ${messageOf(error)}`);
  }
}

function widthOf(counts: Float64Array): number {
  let largest = 0;
  for (const count of counts) {
    if (!Number.isSafeInteger(count) || count < 0)
      throw new RangeError(`got the count ${count}, want a whole number from 0 to 2^53 - 1`);
    if (count > largest) largest = count;
  }
  let width = 0;
  for (let rest = largest; rest > 0; rest = Math.floor(rest / 256)) width++;
  return width;
}

function toPlanes(counts: Float64Array, width: number): Uint8Array {
  const planes = new Uint8Array(counts.length * width);
  for (let plane = 0, divisor = 1, at = 0; plane < width; plane++, divisor *= 256) {
    for (const count of counts) planes[at++] = Math.floor(count / divisor) % 256;
  }
  return planes;
}

function fromPlanes(planes: Uint8Array, width: number, counts: Float64Array): void {
  for (let plane = 0, factor = 1, at = 0; plane < width; plane++, factor *= 256) {
    for (let index = 0; index < counts.length; index++, at++) {
      counts[index] = (counts[index] ?? 0) + (planes[at] ?? 0) * factor;
    }
  }
}

function packBits(bits: Uint8Array, into: Uint8Array): void {
  for (let index = 0; index < bits.length; index++) {
    if (bits[index] !== 0) into[index >> 3] = (into[index >> 3] ?? 0) | (1 << (index & 7));
  }
}

function unpackBits(packed: Uint8Array, into: Uint8Array): void {
  for (let index = 0; index < into.length; index++)
    into[index] = ((packed[index >> 3] ?? 0) >> (index & 7)) & 1;
}
