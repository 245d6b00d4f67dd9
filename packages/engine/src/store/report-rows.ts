/**
 * Keys and bytes of the rows of reports, drawn in docs/format.md.
 *
 * A row has the encoded accumulators of a second of ms10 windows, or of one window of another
 * period. Windows without messages are absent.
 */
import { constants, deflateRawSync, type ZlibOptions } from 'node:zlib';
import {
  isPeriodName,
  messageOf,
  ms10PerSecond,
  type PeriodName,
  periods,
  reportNamePattern,
  sec,
  VarintReader,
  VarintWriter,
} from '@reto3/core';
import { DamagedRow } from './codec.ts';
import { timeKey } from './keys.ts';
import { BadEnvelope, pack, packDeflated, unpack } from './packed.ts';

const version = 1;
const flagPartial = 2;
const timeBytes = 6;
/**
 * A row of 100 keys takes 0.4 ms per flush; level 6 takes a tenth longer for 0.4 % fewer bytes.
 * zlib's default memory, 256 KiB a call, triggers the garbage collector more often and saves
 * nothing here.
 */
const zlib: ZlibOptions = { level: 5, windowBits: 13, memLevel: 7 };
/** The least size of a piece, much more than the bytes that end it. */
const pieceBytes = 4_096;

/** How much time a row of a period covers, in ms. */
export function rowMsOf(period: PeriodName): number {
  return Math.max(sec.windowMs, periods[period].windowMs);
}

/** How many windows a row of a period may have. */
function rowWindowsOf(period: PeriodName): number {
  return period === 'ms10' ? ms10PerSecond : 1;
}

/** The key of a row: `<name>/<period>/` and its start (epoch ms). */
export function rowKey(report: string, period: PeriodName, start: number): Uint8Array {
  return Buffer.concat([Buffer.from(`${report}/${period}/`, 'latin1'), timeKey.encode(start)]);
}

/** The key of the facts of a report: `/` and its name, which sorts before all rows. */
export function factsKey(report: string): Uint8Array {
  return Buffer.from(`/${report}`, 'latin1');
}

/** The range of all facts. */
export const factsRange = { gte: Buffer.from('/'), lt: Buffer.from('0') } as const;

/** A range of keys in the sublevel of reports, [gte, lt). */
export interface ReportRange {
  readonly gte: Uint8Array;
  readonly lt: Uint8Array;
  readonly reverse?: boolean;
}

/** The range of all keys of reports and sources. */
export const allReports: ReportRange = {
  gte: new Uint8Array(),
  lt: Uint8Array.of(0x7f),
};

/** The range of the rows of a period that start in [from, to), epoch ms. */
export function rowRange(report: string, period: PeriodName, from: number, to: number) {
  return { gte: rowKey(report, period, from), lt: rowKey(report, period, to) };
}

export type ReportKey =
  | { readonly report: string; readonly facts: true }
  | { readonly report: string; readonly period: PeriodName; readonly start: number };

const keyOfFacts = new RegExp(`^/${reportNamePattern}$`);
const keyOfRow = new RegExp(`^(${reportNamePattern})/([a-z0-9]+)/.{6}$`, 's');

/** Decodes a key; undefined if it is invalid. */
export function parseKey(key: Uint8Array): ReportKey | undefined {
  const text = Buffer.from(key).toString('latin1');
  if (keyOfFacts.test(text)) return { report: text.slice(1), facts: true };
  const [, report, period] = keyOfRow.exec(text) ?? [];
  if (report === undefined || period === undefined || !isPeriodName(period)) return undefined;
  const start = timeKey.decode(key.subarray(-timeBytes));
  return start % rowMsOf(period) === 0 ? { report, period, start } : undefined;
}

/** One row: the encoded accumulators of its windows, by their number in the row. */
export interface RowParts {
  readonly windows: ReadonlyMap<number, Uint8Array>;
  /** Whether messages are missing, because an earlier version of the row was damaged. */
  readonly partial: boolean;
}

export function encodeRow(parts: RowParts, key: Uint8Array): Uint8Array {
  return new RowEncoder(key).encode(parts);
}

type Window = readonly [index: number, bytes: Uint8Array];

/** Consecutive windows of a row, plain and as deflate blocks that other blocks may follow. */
interface Piece {
  readonly windows: readonly Window[];
  readonly plain: Uint8Array;
  readonly deflated: Uint8Array;
}

/**
 * Encodes a row repeatedly while it grows. Deflating is most of the work, so windows whose
 * `Uint8Array` is the same object as before are not deflated again: a deflated stream is a sequence
 * of blocks (RFC 1951, 2), and a block that refers to no earlier one may follow any.
 */
export class RowEncoder {
  readonly #key: Uint8Array;
  /** The first windows of the row: all that were enough for a piece. */
  #pieces: Piece[] = [];

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  encode({ windows, partial }: RowParts): Uint8Array {
    const sorted = [...windows].sort(([a], [b]) => a - b);
    let known = 0;
    const changed = this.#pieces.findIndex((piece) => {
      const isSame = piece.windows.every((window, index) => areSame(window, sorted[known + index]));
      if (isSame) known += piece.windows.length;
      return !isSame;
    });
    if (changed >= 0) this.#pieces.length = changed;
    // The newest window nearly always changes before the next write.
    const settled = sorted.slice(known, -1);
    const plain = plainOf(settled);
    if (plain.length >= pieceBytes) {
      const deflated = deflateRawSync(plain, { ...zlib, finishFlush: constants.Z_SYNC_FLUSH });
      this.#pieces.push({ windows: settled, plain, deflated });
      known += settled.length;
    }
    return this.#pack(plainOf(sorted.slice(known)), partial ? flagPartial : 0);
  }

  #pack(rest: Uint8Array, flags: number): Uint8Array {
    const pieces = this.#pieces;
    if (pieces.length === 0) return pack(version, rest, this.#key, { flags, zlib });
    const plain = [...pieces.map((piece) => piece.plain), rest];
    const deflated = [...pieces.map((piece) => piece.deflated), deflateRawSync(rest, zlib)];
    return packDeflated(version, plain, deflated, this.#key, flags);
  }
}

function areSame(window: Window, other: Window | undefined): boolean {
  return window[0] === other?.[0] && window[1] === other[1];
}

function plainOf(windows: readonly Window[]): Uint8Array {
  const writer = new VarintWriter();
  for (const [index, bytes] of windows) writer.number(index).bytes(bytes);
  return writer.end();
}

/** @param key of the row; its checksum covers it. @throws DamagedRow */
export function decodeRow(bytes: Uint8Array, key: Uint8Array, period: PeriodName): RowParts {
  try {
    const { plain, flags } = unpack(version, bytes, key, { known: flagPartial });
    const reader = new VarintReader(plain);
    const windows = new Map<number, Uint8Array>();
    while (reader.more) {
      const index = reader.number();
      if (index >= rowWindowsOf(period)) throw new RangeError(`got window ${index}`);
      windows.set(index, reader.bytes());
    }
    return { windows, partial: (flags & flagPartial) !== 0 };
  } catch (error) {
    if (error instanceof BadEnvelope) throw new DamagedRow(error.message);
    throw new DamagedRow(`its windows cannot be read: ${messageOf(error)}`);
  }
}
