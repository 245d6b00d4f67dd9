/**
 * Bytes in an envelope: version, flags, the bytes themselves (deflated where that is shorter), and
 * a checksum that covers their name too, so that what turns up under another name is damage.
 *
 *     version · flags · bytes · CRC-32
 */
import { crc32, deflateRawSync, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { messageOf } from '@reto3/core';

const flagDeflated = 1;
const headerBytes = 2;
const crcBytes = 4;
/** Less than that is not worth zlib's time. */
const deflateFromBytes = 512;
/** Far more than anybody packs: what claims more is no envelope of ours. */
const mostPlainBytesEver = 64 << 20;

/** The envelope is not what was once packed under that name; the text says how one sees it. */
export class BadEnvelope extends Error {
  override readonly name = 'BadEnvelope';
}

interface PackOptions {
  /** Of the caller's own; the lowest bit says that the bytes are deflated. */
  readonly flags?: number;
  readonly zlib?: ZlibOptions;
}

export function pack(
  version: number,
  plain: Uint8Array,
  name: Uint8Array,
  { flags = 0, zlib = {} }: PackOptions = {},
): Uint8Array {
  const deflated = plain.length >= deflateFromBytes ? [deflateRawSync(plain, zlib)] : [plain];
  return packDeflated(version, [plain], deflated, name, flags);
}

/** The same of bytes that are deflated already. Both come in pieces. */
export function packDeflated(
  version: number,
  plain: readonly Uint8Array[],
  deflated: readonly Uint8Array[],
  name: Uint8Array,
  flags: number,
): Uint8Array {
  const isShorter = totalBytes(deflated) < totalBytes(plain);
  const flagsByte = flags | (isShorter ? flagDeflated : 0);
  const head = Uint8Array.of(version, flagsByte);
  const crc = Buffer.alloc(crcBytes);
  const packed = Buffer.concat([head, ...(isShorter ? deflated : plain), crc]);
  packed.writeUInt32LE(crc32(packed.subarray(0, -crcBytes), crc32(name)), packed.length - crcBytes);
  return packed;
}

function totalBytes(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

/**
 * @param options `known`: flags that the caller knows; `mostPlainBytes`: what inflates to more is none
 * @throws BadEnvelope
 */
export function unpack(
  version: number,
  packed: Uint8Array,
  name: Uint8Array,
  options: { readonly known?: number; readonly mostPlainBytes?: number } = {},
): { readonly plain: Uint8Array; readonly flags: number } {
  const { known = 0, mostPlainBytes = mostPlainBytesEver } = options;
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const end = bytes.length - crcBytes;
  if (end < headerBytes) throw new BadEnvelope(`got ${bytes.length} bytes, too few`);
  if (bytes.readUInt32LE(end) !== crc32(bytes.subarray(0, end), crc32(name)))
    throw new BadEnvelope('its checksum does not match');
  const flags = bytes.readUInt8(1);
  if (bytes[0] !== version || (flags & ~(flagDeflated | known)) !== 0)
    throw new BadEnvelope(`got version ${bytes[0]}, flags ${flags}; want version ${version}`);
  const body = bytes.subarray(headerBytes, end);
  if ((flags & flagDeflated) === 0) return { plain: body, flags };
  try {
    return { plain: inflateRawSync(body, { maxOutputLength: mostPlainBytes }), flags };
  } catch (error) {
    throw new BadEnvelope(`it cannot be inflated: ${messageOf(error)}`);
  }
}
