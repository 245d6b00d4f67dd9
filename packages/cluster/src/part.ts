/**
 * A part: what one node has of one minute of the cluster. Of each second it keeps what the highest
 * (boot, revision) said, and nothing else, so it is the same in whatever order, and however often,
 * messages come: a state-based grow-only register for each second.
 */
import { crc32 } from 'node:zlib';
import {
  allocateWindows,
  ms10,
  ms10PerSecond,
  sec,
  secondsPerMinute,
  type Windows,
} from '@reto3/core';
import { addSecond, packedBytes } from './second.ts';
import type { Vouches } from './vouches.ts';

const version = 1;
const headerBytes = 2;
const secondHeaderBytes = 17;
const crcBytes = 4;

export class Part {
  readonly #boots = new Float64Array(secondsPerMinute);
  readonly #revisions = new Float64Array(secondsPerMinute);
  readonly #seconds: (Uint8Array | undefined)[] = new Array(secondsPerMinute).fill(undefined);

  /** The packed second of that number, 0 to 59; undefined where the node said nothing of it. */
  second(index: number): Uint8Array | undefined {
    return this.#seconds[index];
  }

  /**
   * Takes a packed second over if it is newer than what is there. Its bytes are kept.
   * @returns whether it was
   */
  put(index: number, boot: number, revision: number, packed: Uint8Array): boolean {
    const [hasBoot = 0, hasRevision = 0] = [this.#boots[index], this.#revisions[index]];
    const newer = boot > hasBoot || (boot === hasBoot && revision > hasRevision);
    if (!newer) return false;
    this.#boots[index] = boot;
    this.#revisions[index] = revision;
    this.#seconds[index] = packed;
    return true;
  }

  /** The packed seconds of which the node said something, in order. */
  *seconds(): Generator<readonly [index: number, packed: Uint8Array]> {
    for (const [index, packed] of this.#seconds.entries())
      if (packed !== undefined) yield [index, packed];
  }

  /** Whether it has anything that no longer counts, for the minute that starts then, epoch ms. */
  isVoid(start: number, vouches: Vouches): boolean {
    return this.#seconds.some((packed, index) => packed && this.#isVoid(index, start, vouches));
  }

  /**
   * Forgets what no longer counts of the minute that starts then, epoch ms.
   * @returns the seconds of which there was something, 0 to 59, with what that was
   */
  applyVouches(start: number, vouches: Vouches): (readonly [index: number, packed: Uint8Array])[] {
    const voided: (readonly [index: number, packed: Uint8Array])[] = [];
    for (const [index, packed] of this.#seconds.entries()) {
      if (packed === undefined || !this.#isVoid(index, start, vouches)) continue;
      voided.push([index, packed]);
      this.#boots[index] = this.#revisions[index] = 0;
      this.#seconds[index] = undefined;
    }
    return voided;
  }

  #isVoid(index: number, start: number, vouches: Vouches): boolean {
    return (this.#boots[index] ?? 0) < vouches.leastBoot(start + index * sec.windowMs);
  }

  /** Its 6,000 ms10 windows; of single nodes it is not known which were revised. */
  windows(): Windows {
    const windows = allocateWindows(ms10.blockWindows);
    for (const [index, packed] of this.#seconds.entries())
      if (packed !== undefined) addSecond(packed, windows, index * ms10PerSecond);
    return windows;
  }

  /** Its bytes under the row's name. */
  encode(name: string): Uint8Array {
    let length = headerBytes + crcBytes;
    for (const [, packed] of this.seconds()) length += secondHeaderBytes + packed.length;
    const bytes = new Uint8Array(length);
    const view = new DataView(bytes.buffer);
    let at = headerBytes;
    let seconds = 0;
    for (const [index, packed] of this.#seconds.entries()) {
      if (packed === undefined) continue;
      seconds++;
      view.setUint8(at, index);
      view.setBigUint64(at + 1, BigInt(this.#boots[index] ?? 0), true);
      view.setBigUint64(at + 9, BigInt(this.#revisions[index] ?? 0), true);
      bytes.set(packed, at + secondHeaderBytes);
      at += secondHeaderBytes + packed.length;
    }
    view.setUint8(0, version);
    view.setUint8(1, seconds);
    view.setUint32(at, crc32(bytes.subarray(0, at), crc32(name)), true);
    return bytes;
  }

  /** Undefined where the bytes are not what was once written under that name. */
  static decode(bytes: Uint8Array, name: string): Part | undefined {
    const end = bytes.length - crcBytes;
    if (end < headerBytes) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (view.getUint32(end, true) !== crc32(bytes.subarray(0, end), crc32(name))) return undefined;
    if (view.getUint8(0) !== version) return undefined;
    const part = new Part();
    let at = headerBytes;
    while (at < end) {
      const from = at + secondHeaderBytes;
      const to = from + (packedBytes(view.getUint8(from)) ?? end);
      const boot = Number(view.getBigUint64(at + 1, true));
      const revision = Number(view.getBigUint64(at + 9, true));
      part.put(view.getUint8(at), boot, revision, bytes.subarray(from, to));
      at = to;
    }
    return part;
  }
}

/** The name of a node's row for the minute that starts then, epoch ms; its checksum covers it. */
export function partName(start: number, node: string): string {
  return `part@${start}@${node}`;
}
