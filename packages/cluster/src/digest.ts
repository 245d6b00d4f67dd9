/**
 * Digests of a node's counts and report rows, by minute. A merger compares them with its own, to know
 * without reading the data that it has what the node has. Both sides compute them from packed seconds
 * and from windows as published, so equal data has equal digests.
 */
import { crc32 } from 'node:zlib';
import { alignDown, min, sec } from '@reto3/core';
import type { NodeSecond } from './message.ts';
import type { PublishedWindow } from './report-message.ts';
import { totalOfSecond } from './second.ts';

/** Of a minute in which something was counted. */
export interface Digest {
  /** Of the minute, epoch ms. */
  readonly start: number;
  /** Messages; of a report: windows. */
  readonly total: number;
  readonly crc: number;
}

/**
 * Adds seconds to the digests of their minutes.
 * @param seconds in order of time, none before those in the digests
 */
export function addSeconds(digests: Digest[], seconds: Iterable<NodeSecond>): void {
  for (const { start, packed } of seconds) {
    const index = (start % min.windowMs) / sec.windowMs;
    add(digests, start, totalOfSecond(packed), Uint8Array.of(index), packed);
  }
}

/**
 * Adds the windows of a report and period to the digests of their minutes.
 * @param windows in order of time, none before those in the digests
 */
export function addWindows(
  digests: Digest[],
  windows: Iterable<Omit<PublishedWindow, 'report' | 'period'>>,
): void {
  const head = new Uint8Array(11);
  const view = new DataView(head.buffer);
  for (const { start, tooLarge, partial, bytes } of windows) {
    view.setUint16(0, start % min.windowMs, true);
    view.setBigUint64(2, BigInt(tooLarge), true);
    view.setUint8(10, partial ? 1 : 0);
    add(digests, start, 1, head, bytes);
  }
}

function add(digests: Digest[], time: number, count: number, head: Uint8Array, data: Uint8Array) {
  const start = alignDown(time, min.windowMs);
  const before = digests.at(-1)?.start === start ? digests.pop() : undefined;
  const { total, crc } = before ?? { total: 0, crc: 0 };
  digests.push({ start, total: total + count, crc: crc32(data, crc32(head, crc)) });
}

export function isSame(one: Digest | undefined, other: Digest | undefined): boolean {
  return one?.total === other?.total && one?.crc === other?.crc;
}
