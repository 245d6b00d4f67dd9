/**
 * A part: one node's seconds of one minute. Of each second it keeps what the highest (boot, revision)
 * sent, so the order and repetition of messages do not matter: a state-based grow-only register for
 * each second.
 *
 * A merger of a thousand nodes has some hundred thousand seconds in memory, so a part is one array of
 * bytes, with the seconds as in its row. An object for each of them would take three times the memory.
 *
 * Invariant: bytes that a second once had never change, so views of them stay valid.
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
import { addSecond, mostSecondBytes, packedBytes } from './second.ts';
import type { Vouches } from './vouches.ts';

const version = 1;
const headerBytes = 2;
const secondHeaderBytes = 17;
const crcBytes = 4;
/** The place of a second that the node did not send. */
const nowhere = -1;
/** Room for so many more bytes, at least: four seconds. */
const leastRoom = 512;

/** Which state of a node a value is from. */
interface Origin {
  readonly boot: number;
  readonly revision: number;
}

/** Whether a value replaces another one. */
export function isNewer(one: Origin, other: Origin | undefined): boolean {
  if (other === undefined || one.boot > other.boot) return true;
  return one.boot === other.boot && one.revision > other.revision;
}

export class Part {
  /** Seconds, and those that they replaced, in the order in which they came. */
  #bytes: Uint8Array;
  #view: DataView;
  #end: number;
  /** Where each second begins in those bytes. */
  readonly #places: number[] = new Array(secondsPerMinute).fill(nowhere);

  /** @param bytes a row, which it keeps */
  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#end = bytes.length;
  }

  static empty(): Part {
    return new Part(new Uint8Array(0));
  }

  /** A packed second by its number, 0 to 59; undefined if the node sent none. */
  second(index: number): Uint8Array | undefined {
    const at = this.#places[index] ?? nowhere;
    return at === nowhere ? undefined : this.#row(at).subarray(secondHeaderBytes);
  }

  /** Takes a copy of a packed second if it is newer. Returns whether it was. */
  put(index: number, boot: number, revision: number, packed: Uint8Array): boolean {
    const before = this.#places[index] ?? nowhere;
    if (before !== nowhere && !isNewer({ boot, revision }, this.#origin(before))) return false;
    this.#places[index] = nowhere;
    this.#makeRoom(secondHeaderBytes + packed.length);
    const at = this.#end;
    this.#view.setUint8(at, index);
    this.#view.setBigUint64(at + 1, BigInt(boot), true);
    this.#view.setBigUint64(at + 9, BigInt(revision), true);
    this.#bytes.set(packed, at + secondHeaderBytes);
    this.#places[index] = at;
    this.#end += secondHeaderBytes + packed.length;
    return true;
  }

  /** All packed seconds, in order. */
  *seconds(): Generator<readonly [index: number, packed: Uint8Array]> {
    for (const [index, at] of this.#places.entries())
      if (at !== nowhere) yield [index, this.#row(at).subarray(secondHeaderBytes)];
  }

  /**
   * Removes the seconds that are void.
   * @param start of the minute, epoch ms
   * @returns what it removed
   */
  applyVouches(start: number, vouches: Vouches): (readonly [index: number, packed: Uint8Array])[] {
    const voided: (readonly [index: number, packed: Uint8Array])[] = [];
    for (const [index, at] of this.#places.entries()) {
      if (at === nowhere) continue;
      if (this.#origin(at).boot >= vouches.leastBoot(start + index * sec.windowMs)) continue;
      voided.push([index, this.#row(at).subarray(secondHeaderBytes)]);
      this.#places[index] = nowhere;
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
    const rows = this.#rows();
    const bytes = new Uint8Array(headerBytes + lengthOf(rows) + crcBytes);
    bytes[0] = version;
    bytes[1] = rows.length;
    let at = headerBytes;
    for (const row of rows) {
      bytes.set(row, at);
      at += row.length;
    }
    viewOf(bytes).setUint32(at, crc32(bytes.subarray(0, at), crc32(name)), true);
    return bytes;
  }

  /** Keeps the bytes. Undefined if they are not those that were written under that name. */
  static decode(bytes: Uint8Array, name: string): Part | undefined {
    const end = bytes.length - crcBytes;
    if (end < headerBytes) return undefined;
    const view = viewOf(bytes);
    if (view.getUint32(end, true) !== crc32(bytes.subarray(0, end), crc32(name))) return undefined;
    if (view.getUint8(0) !== version) return undefined;
    const part = new Part(bytes);
    for (let at = headerBytes; at < end; at += part.#row(at).length)
      part.#places[view.getUint8(at)] = at;
    return part;
  }

  /** The second at that place, as in a row. */
  #row(at: number): Uint8Array {
    const length = packedBytes(this.#view.getUint8(at + secondHeaderBytes)) ?? mostSecondBytes;
    return this.#bytes.subarray(at, at + secondHeaderBytes + length);
  }

  /** All seconds, in order, as in a row. */
  #rows(): Uint8Array[] {
    return this.#places.filter((at) => at !== nowhere).map((at) => this.#row(at));
  }

  #origin(at: number): Origin {
    const boot = Number(this.#view.getBigUint64(at + 1, true));
    return { boot, revision: Number(this.#view.getBigUint64(at + 9, true)) };
  }

  /** Makes room for so many more bytes, without what was replaced. */
  #makeRoom(length: number): void {
    if (this.#end + length <= this.#bytes.length) return;
    const rows = this.#rows();
    const used = lengthOf(rows);
    const bytes = new Uint8Array(used + length + Math.max(leastRoom, used >> 1));
    this.#end = 0;
    for (const row of rows) {
      bytes.set(row, this.#end);
      this.#places[row[0] ?? 0] = this.#end;
      this.#end += row.length;
    }
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function lengthOf(rows: readonly Uint8Array[]): number {
  return rows.reduce((sum, { length }) => sum + length, 0);
}

/** The name of a node's row of the minute that starts at that time, epoch ms. */
export function partName(start: number, node: string): string {
  return `part@${start}@${node}`;
}
