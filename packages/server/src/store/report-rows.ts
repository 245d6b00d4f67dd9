/**
 * Keys and bytes of what is stored of reports. docs/format.md draws them.
 *
 * A row holds the encoded accumulators of the windows of one stretch of time: a second of ms10
 * windows, one window of the others. Windows in which nothing came are not there.
 */
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { messageOf } from '../errors.ts';
import { isPeriodName, ms10PerSecond, type PeriodName, periods, sec } from '../period.ts';
import { DamagedRow } from './codec.ts';
import { timeKey } from './keys.ts';
import { VarintReader, VarintWriter } from './varints.ts';

const version = 1;
const flagDeflated = 1;
const flagPartial = 2;
const headerBytes = 2;
const crcBytes = 4;
const deflateFromBytes = 512;
const timeBytes = 6;

/** How much time one row of a period covers, in ms. */
export function rowMsOf(period: PeriodName): number {
  return Math.max(sec.windowMs, periods[period].windowMs);
}

/** How many windows one row of a period may have. */
function rowWindowsOf(period: PeriodName): number {
  return period === 'ms10' ? ms10PerSecond : 1;
}

/** `<name>/<period>/` and the start of the row. */
export function rowKey(report: string, period: PeriodName, start: number): Uint8Array {
  return Buffer.concat([Buffer.from(`${report}/${period}/`, 'latin1'), timeKey.encode(start)]);
}

/** What a report says of itself: `/` and its name, so that all of them stand before all rows. */
export function factsKey(report: string): Uint8Array {
  return Buffer.from(`/${report}`, 'latin1');
}

/** The keys of all facts. */
export const factsRange = { gte: Buffer.from('/'), lt: Buffer.from('0') } as const;

/** The keys of the rows of a period that start in [from, to), epoch ms. */
export function rowRange(report: string, period: PeriodName, from: number, to: number) {
  return { gte: rowKey(report, period, from), lt: rowKey(report, period, to) };
}

export type ReportKey =
  | { readonly report: string; readonly facts: true }
  | { readonly report: string; readonly period: PeriodName; readonly start: number };

/** What a key names; undefined where it is none. */
export function parseKey(key: Uint8Array): ReportKey | undefined {
  const text = Buffer.from(key).toString('latin1');
  if (/^\/[a-z][a-z0-9-]{0,31}$/.test(text)) return { report: text.slice(1), facts: true };
  const [, report, period] = /^([a-z][a-z0-9-]{0,31})\/([a-z0-9]+)\/.{6}$/s.exec(text) ?? [];
  if (report === undefined || period === undefined || !isPeriodName(period)) return undefined;
  const start = timeKey.decode(key.subarray(-timeBytes));
  return start % rowMsOf(period) === 0 ? { report, period, start } : undefined;
}

/** One row: the encoded accumulators of its windows, by their number in the row. */
export interface RowParts {
  readonly windows: ReadonlyMap<number, Uint8Array>;
  /** What was in the row before was damaged: these are not all. */
  readonly partial: boolean;
}

export function encodeRow({ windows, partial }: RowParts, key: Uint8Array): Uint8Array {
  const writer = new VarintWriter();
  for (const [index, bytes] of [...windows].sort(([a], [b]) => a - b))
    writer.number(index).bytes(bytes);
  const plain = writer.end();
  const deflated = plain.length >= deflateFromBytes ? deflateRawSync(plain) : plain;
  const useDeflated = deflated.length < plain.length;
  const body = useDeflated ? deflated : plain;
  const row = Buffer.alloc(headerBytes + body.length + crcBytes);
  row.writeUInt8(version, 0);
  row.writeUInt8((useDeflated ? flagDeflated : 0) | (partial ? flagPartial : 0), 1);
  row.set(body, headerBytes);
  row.writeUInt32LE(crc32(row.subarray(0, -crcBytes), crc32(key)), row.length - crcBytes);
  return row;
}

/** @throws DamagedRow */
export function decodeRow(bytes: Uint8Array, key: Uint8Array, period: PeriodName): RowParts {
  if (bytes.length < headerBytes + crcBytes)
    throw new DamagedRow(`got ${bytes.length} bytes, too few for a row`);
  const row = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sum = crc32(row.subarray(0, -crcBytes), crc32(key));
  if (row.readUInt32LE(row.length - crcBytes) !== sum)
    throw new DamagedRow('its checksum does not match');
  const flags = row.readUInt8(1);
  if (row[0] !== version || (flags & ~(flagDeflated | flagPartial)) !== 0)
    throw new DamagedRow(`got row version ${row[0]}, flags ${flags}; want version ${version}`);
  const body = row.subarray(headerBytes, -crcBytes);
  try {
    const reader = new VarintReader((flags & flagDeflated) === 0 ? body : inflateRawSync(body));
    const windows = new Map<number, Uint8Array>();
    while (reader.more) {
      const index = reader.number();
      if (index >= rowWindowsOf(period)) throw new RangeError(`got a window ${index}`);
      windows.set(index, reader.bytes());
    }
    return { windows, partial: (flags & flagPartial) !== 0 };
  } catch (error) {
    throw new DamagedRow(`its windows cannot be read: ${messageOf(error)}`);
  }
}
