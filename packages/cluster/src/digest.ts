/**
 * Digests of a node's counts and of its reports: what a merger compares to know, without reading
 * them, that it has what the node has. Both sides compute them of packed seconds, and of windows as
 * they are published, so what is equal has equal digests.
 */
import { crc32 } from 'node:zlib';
import { alignDown, min } from '@reto3/core';
import type { PublishedWindow } from './report-message.ts';
import { totalOfSecond } from './second.ts';

/** Of a minute; absent where nothing was counted. */
export interface Digest {
  /** Of the minute, epoch ms. */
  readonly start: number;
  /** Messages; of a report: windows. */
  readonly total: number;
  readonly crc: number;
}

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

/**
 * Adds the windows of a report and period to the digests of their minutes.
 * @param windows in order of time, none before those that are in the digests
 */
export function addWindows(
  digests: Digest[],
  windows: Iterable<Omit<PublishedWindow, 'report' | 'period'>>,
): void {
  const head = new Uint8Array(11);
  const view = new DataView(head.buffer);
  for (const { start, tooLarge, partial, bytes } of windows) {
    const minute = alignDown(start, min.windowMs);
    const before = digests.at(-1)?.start === minute ? digests.pop() : undefined;
    const { total, crc } = before ?? { total: 0, crc: 0 };
    view.setUint16(0, start - minute, true);
    view.setBigUint64(2, BigInt(tooLarge), true);
    view.setUint8(10, partial ? 1 : 0);
    digests.push({ start: minute, total: total + 1, crc: crc32(bytes, crc32(head, crc)) });
  }
}

export function isSame(one: Digest | undefined, other: Digest | undefined): boolean {
  return one?.total === other?.total && one?.crc === other?.crc;
}
