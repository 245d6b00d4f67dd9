/**
 * A part: one node's seconds of one minute. Of each second it keeps what the highest (boot, revision)
 * sent, so the order and repetition of messages do not matter: a state-based grow-only register for
 * each second.
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

/** Which state of a node a value is from. */
interface Origin {
  readonly boot: number;
  readonly revision: number;
}

interface Second extends Origin {
  readonly packed: Uint8Array;
}

/** Whether a value replaces another one. */
export function isNewer(one: Origin, other: Origin | undefined): boolean {
  if (other === undefined || one.boot > other.boot) return true;
  return one.boot === other.boot && one.revision > other.revision;
}

export class Part {
  readonly #seconds: (Second | undefined)[] = new Array(secondsPerMinute).fill(undefined);

  /** A packed second by its number, 0 to 59; undefined if the node sent none. */
  second(index: number): Uint8Array | undefined {
    return this.#seconds[index]?.packed;
  }

  /** Takes a packed second, without copying it, if it is newer. Returns whether it was. */
  put(index: number, boot: number, revision: number, packed: Uint8Array): boolean {
    const second = { boot, revision, packed };
    if (!isNewer(second, this.#seconds[index])) return false;
    this.#seconds[index] = second;
    return true;
  }

  /** All packed seconds, in order. */
  *seconds(): Generator<readonly [index: number, packed: Uint8Array]> {
    for (const [index, second] of this.#seconds.entries())
      if (second !== undefined) yield [index, second.packed];
  }

  /**
   * Removes the seconds that are void.
   * @param start of the minute, epoch ms
   * @returns what it removed
   */
  applyVouches(start: number, vouches: Vouches): (readonly [index: number, packed: Uint8Array])[] {
    const voided: (readonly [index: number, packed: Uint8Array])[] = [];
    for (const [index, second] of this.#seconds.entries()) {
      if (second === undefined) continue;
      if (second.boot >= vouches.leastBoot(start + index * sec.windowMs)) continue;
      voided.push([index, second.packed]);
      this.#seconds[index] = undefined;
    }
    return voided;
  }

  /** Its 6,000 ms10 windows. Parts do not record which were revised. */
  windows(): Windows {
    const windows = allocateWindows(ms10.blockWindows);
    for (const [index, packed] of this.seconds()) addSecond(packed, windows, index * ms10PerSecond);
    return windows;
  }

  /** @param name of the row, which the checksum covers */
  encode(name: string): Uint8Array {
    let length = headerBytes + crcBytes;
    for (const [, packed] of this.seconds()) length += secondHeaderBytes + packed.length;
    const bytes = new Uint8Array(length);
    const view = new DataView(bytes.buffer);
    let at = headerBytes;
    let seconds = 0;
    for (const [index, second] of this.#seconds.entries()) {
      if (second === undefined) continue;
      seconds++;
      view.setUint8(at, index);
      view.setBigUint64(at + 1, BigInt(second.boot), true);
      view.setBigUint64(at + 9, BigInt(second.revision), true);
      bytes.set(second.packed, at + secondHeaderBytes);
      at += secondHeaderBytes + second.packed.length;
    }
    view.setUint8(0, version);
    view.setUint8(1, seconds);
    view.setUint32(at, crc32(bytes.subarray(0, at), crc32(name)), true);
    return bytes;
  }

  /** Undefined if the bytes are not those that were written under that name. */
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

/** The name of a node's row of the minute that starts at that time, epoch ms. */
export function partName(start: number, node: string): string {
  return `part@${start}@${node}`;
}
