/**
 * What the store says of itself: format version, node, boots. One row, JSON, with a checksum like
 * all others.
 */
import { crc32 } from 'node:zlib';
import { Reto3Error } from '../errors.ts';

/** Raised whenever bytes on disk change their meaning. */
export const formatVersion = 1;

export interface Meta {
  readonly formatVersion: number;
  /** Name of the node that writes here. */
  readonly node: string;
  /** How many times a server has started on this folder. */
  readonly boot: number;
  /** Whether the last one stopped by itself, with everything written. */
  readonly clean: boolean;
}

export function encodeMeta(meta: Meta): string {
  const json = JSON.stringify(meta);
  return `${checksum(json)} ${json}`;
}

/** @throws Reto3Error RETO3_DATA_CORRUPT, RETO3_DATA_VERSION */
export function decodeMeta(text: string): Meta {
  const space = text.indexOf(' ');
  const json = text.slice(space + 1);
  if (text.slice(0, space) !== checksum(json)) {
    throw new Reto3Error(
      'RETO3_DATA_CORRUPT',
      'cannot read the data folder: the checksum of its meta row does not match',
    );
  }
  const meta: unknown = JSON.parse(json);
  if (!isMeta(meta) || meta.formatVersion !== formatVersion) {
    throw new Reto3Error(
      'RETO3_DATA_VERSION',
      `cannot read the data folder: got ${json}, want format version ${formatVersion}`,
    );
  }
  return meta;
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, '0');
}

function isMeta(value: unknown): value is Meta {
  return (
    typeof value === 'object' &&
    value !== null &&
    'formatVersion' in value &&
    typeof value.formatVersion === 'number' &&
    'node' in value &&
    typeof value.node === 'string' &&
    'boot' in value &&
    typeof value.boot === 'number' &&
    'clean' in value &&
    typeof value.clean === 'boolean'
  );
}
