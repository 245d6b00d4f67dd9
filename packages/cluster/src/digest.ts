/**
 * Digests of a node's counts: what a merger compares to know, without reading them, that it has
 * what the node has. Both sides compute them of packed seconds, so equal counts have equal digests.
 */
import { crc32 } from 'node:zlib';
import { min } from '@reto3/core';
import { totalOfSecond } from './second.ts';

/** Of the minutes of an hour, or of the seconds of a minute; absent where nothing was counted. */
export interface Digest {
  /** Of the minute or hour, epoch ms. */
  readonly start: number;
  /** Messages. */
  readonly total: number;
  readonly crc: number;
}

export const hourMs = 3_600_000;

/** @param seconds in order of time, with their number in the minute */
export function minuteDigest(
  start: number,
  seconds: Iterable<readonly [index: number, packed: Uint8Array]>,
): Digest | undefined {
  let [total, crc, any] = [0, 0, false];
  for (const [index, packed] of seconds) {
    any = true;
    total += totalOfSecond(packed);
    crc = crc32(packed, crc32(Uint8Array.of(index), crc));
  }
  return any ? { start, total, crc } : undefined;
}

/** @param minutes of that hour, in order of time */
export function hourDigest(start: number, minutes: readonly Digest[]): Digest | undefined {
  let [total, crc] = [0, 0];
  const bytes = new Uint8Array(5);
  const view = new DataView(bytes.buffer);
  for (const minute of minutes) {
    view.setUint8(0, (minute.start - start) / min.windowMs);
    view.setUint32(1, minute.crc, true);
    total += minute.total;
    crc = crc32(bytes, crc);
  }
  return minutes.length === 0 ? undefined : { start, total, crc };
}

export function isSame(one: Digest | undefined, other: Digest | undefined): boolean {
  return one?.total === other?.total && one?.crc === other?.crc;
}
