/**
 * The version of a report in front of its bytes, so that each stored window names the version that
 * wrote it, and a newer version can `migrate` it. Version 1 writes no version.
 *
 *     mark (4 bytes) · version (varint) · the report's bytes
 *
 * The mark starts with a byte that starts neither JSON nor UTF-8 text.
 */
import { VarintReader, VarintWriter } from '@reto3/core';

const mark = Buffer.from('\xffrv\x01', 'latin1');

export function withVersion(version: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([mark, new VarintWriter().number(version).end(), bytes]);
}

/** The version that wrote these bytes, and the report's own bytes. */
export function versionOf(bytes: Uint8Array): {
  readonly version: number;
  readonly rest: Uint8Array;
} {
  if (
    !Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, mark.length)).equals(mark)
  )
    return { version: 1, rest: bytes };
  const reader = new VarintReader(bytes.subarray(mark.length));
  const version = reader.number();
  const headBytes = mark.length + new VarintWriter().number(version).end().length;
  return { version, rest: bytes.subarray(headBytes) };
}
