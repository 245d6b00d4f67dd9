/**
 * An envelope around bytes, for rows of reports and messages of the cluster: version, flags, the
 * bytes (deflated if that is shorter), and a checksum. The checksum covers the name of the envelope
 * too, so an envelope under another name is damage.
 *
 *     version · flags · bytes · CRC-32
 */
import { crc32, deflateRawSync, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { messageOf } from '@reto3/core';

const flagDeflated = 1;
const headerBytes = 2;
const crcBytes = 4;
/** Deflating fewer bytes is not worth its time. */
const deflateFromBytes = 512;
/** Far more than any caller packs. */
const defaultMaxPlainBytes = 64 << 20;

/** The envelope is not the one packed under that name. The message tells how it differs. */
export class BadEnvelope extends Error {
  override readonly name = 'BadEnvelope';
}

interface PackOptions {
  /** Flags of the caller; the lowest bit is taken. */
  readonly flags?: number;
  readonly zlib?: ZlibOptions;
}

/** @param version 0 to 255 */
export function pack(
  version: number,
  plain: Uint8Array,
  name: Uint8Array,
  { flags = 0, zlib = {} }: PackOptions = {},
): Uint8Array {
  const deflated = plain.length >= deflateFromBytes ? [deflateRawSync(plain, zlib)] : [plain];
  return packDeflated(version, [plain], deflated, name, flags);
}

/** As `pack`, for bytes that are deflated already. Both come in pieces. */
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
 * @param options `known`: flags of the caller; `maxPlainBytes`: the limit when inflating
 * @throws BadEnvelope
 */
export function unpack(
  version: number,
  packed: Uint8Array,
  name: Uint8Array,
  options: { readonly known?: number; readonly maxPlainBytes?: number } = {},
): { readonly plain: Uint8Array; readonly flags: number } {
  const { known = 0, maxPlainBytes = defaultMaxPlainBytes } = options;
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
    return { plain: inflateRawSync(body, { maxOutputLength: maxPlainBytes }), flags };
  } catch (error) {
    throw new BadEnvelope(`it cannot be inflated: ${messageOf(error)}`);
  }
}
