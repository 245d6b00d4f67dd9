/**
 * A backup as a stream: the rows of one LevelDB snapshot as they are stored, compressed as they
 * are, then those of the merger where there is one, with a checksum over all of it at the end.
 * docs/format.md draws the bytes.
 *
 *     magic · version · record · record · … · end (rows, CRC-32)
 *
 * Writing and reading need memory for one row. Reading gives what was written or throws.
 */
import { crc32 } from 'node:zlib';
import { periods, Reto3Error, reportDamage, sec } from '@reto3/core';
import { decodeWindows } from '../store/codec.ts';
import { type metaKeys, partKey, partOf, rowName, type Series } from '../store/keys.ts';
import { allReports } from '../store/report-rows.ts';
import { type EncodedRow, lengthOf } from '../store/rows.ts';
import { allTime, type StoreSnapshot } from '../store/store.ts';

const magic = Buffer.from('RETO3BAK', 'latin1');
/** Version 2 has the rows of a merger after those of the node. Without them it is version 1. */
const [versionOfNode, versionWithMerger] = [1, 2];

/** The kinds of records. A row's kind says its series. */
const endKind = 0;
const textKinds = { 1: 'node', 2: 'gone', 3: 'merge' } as const;
const seriesKinds = { 16: 'journal', 17: 'ms10', 18: 'sec', 19: 'min' } as const;
/** The key and its value, and how long the key is instead of a start. */
const keyedKinds = { 20: 'report', 21: 'part' } as const;
/** The rows of the merger begin. */
const mergerKind = 32;

const headBytes = 1 + 6 + 4;
const endBytes = 1 + 6 + 4;
/** Far above any row: what claims to be larger is damage, and is not read into memory. */
const largestBytes = 1 << 20;
/** The same for a text: a merger says in one what it knows of each of its nodes. */
const largestTextBytes = 64 << 20;
/** Small rows go out together. */
const pieceBytes = 64 << 10;

/** What is written of a store: a snapshot, or one with the open minutes beside it. */
export type BackupRows = Pick<StoreSnapshot, 'text' | 'encodedRows' | 'reports' | 'parts'>;

export type Record =
  | { readonly text: keyof typeof metaKeys; readonly value: string }
  | { readonly series: Series; readonly row: EncodedRow }
  | { readonly report: Uint8Array; readonly bytes: Uint8Array }
  | { readonly part: string; readonly start: number; readonly bytes: Uint8Array }
  | { readonly begins: 'merger' };

/** Whether it is a row, and not about the rows. */
export function isRow(record: Record): boolean {
  return !('text' in record || 'begins' in record);
}

/**
 * The whole backup, piece by piece. The snapshots stay open until its last piece.
 * @param merger what the server adds up beside its own counts. Its rows are written as they are:
 * damaged ones it reads again from its nodes
 * @throws Reto3Error RETO3_BLOCK_DAMAGED: a backup of damage would be found out too late
 */
export async function* writeBackup(
  node: BackupRows,
  merger?: BackupRows,
): AsyncGenerator<Uint8Array> {
  let sum = 0;
  let rows = 0;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  const add = (parts: readonly Uint8Array[]): void => {
    for (const part of parts) {
      sum = checksumOf(part, sum);
      waiting.push(part);
      waitingBytes += part.length;
    }
  };
  const take = (): Buffer => {
    const piece = Buffer.concat(waiting);
    waiting = [];
    waitingBytes = 0;
    return piece;
  };

  add([magic, Uint8Array.of(merger === undefined ? versionOfNode : versionWithMerger)]);
  for await (const record of recordsOf(node, merger)) {
    add(encode(record));
    if (isRow(record)) rows++;
    if (waitingBytes >= pieceBytes) yield take();
  }
  add([head(endKind, rows, 0).subarray(0, endBytes - 4)]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(sum);
  waiting.push(checksum);
  yield take();
}

async function* recordsOf(node: BackupRows, merger?: BackupRows): AsyncGenerator<Record> {
  for await (const record of rowsOf(node)) {
    // A damaged row of a report goes with the others: its reader is told, and counts do not need it.
    if ('series' in record) assertWhole(record.series, record.row);
    yield record;
  }
  if (merger === undefined) return;
  yield { begins: 'merger' };
  yield* rowsOf(merger);
}

async function* rowsOf(store: BackupRows): AsyncGenerator<Record> {
  for (const text of Object.values(textKinds)) {
    const value = await store.text(text);
    if (value !== undefined) yield { text, value };
  }
  for (const series of Object.values(seriesKinds))
    for await (const row of store.encodedRows(series, allTime)) yield { series, row };
  for await (const [report, bytes] of store.reports(allReports)) yield { report, bytes };
  for await (const [key, bytes] of store.parts()) yield { ...partOf(key), bytes };
}

function encode(record: Record): Uint8Array[] {
  if ('begins' in record) return [head(mergerKind, 0, 0)];
  if ('text' in record) {
    const bytes = Buffer.from(record.value);
    return [head(kindOf(textKinds, record.text), 0, bytes.length), bytes];
  }
  if ('series' in record) {
    const { start, bytes } = record.row;
    return [head(kindOf(seriesKinds, record.series), start, bytes.length), bytes];
  }
  const { bytes } = record;
  const isReport = 'report' in record;
  const key = isReport ? record.report : partKey(record.start, record.part);
  const kind = kindOf(keyedKinds, isReport ? 'report' : 'part');
  return [head(kind, key.length, key.length + bytes.length), key, bytes];
}

type Kinds<Name extends string> = Readonly<{ [kind: number]: Name }>;

function nameOf<Name extends string>(kinds: Kinds<Name>, kind: number): Name | undefined {
  return kinds[kind];
}

function kindOf<Name extends string>(kinds: Kinds<Name>, name: Name): number {
  return Number(Object.keys(kinds).find((kind) => kinds[Number(kind)] === name));
}

/** @throws Reto3Error RETO3_BACKUP_DAMAGED */
export async function* readBackup(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Record> {
  const reader = new Reader(pieces);
  const opening = await reader.take(magic.length + 1);
  if (!opening.subarray(0, magic.length).equals(magic)) throw damaged('it is no backup of reto3');
  const version = opening[magic.length];
  if (version !== versionOfNode && version !== versionWithMerger)
    throw damaged(`got version ${version}, want ${versionOfNode} or ${versionWithMerger}`);
  for (let rows = 0; ; ) {
    const [kind = endKind] = await reader.take(1);
    const number = (await reader.take(6)).readUIntLE(0, 6);
    if (kind === endKind) {
      const { sum } = reader;
      const wanted = (await reader.take(4)).readUInt32LE();
      if (wanted !== sum) throw damaged('its checksum does not match');
      if (number !== rows) throw damaged(`got ${rows} rows, want ${number}`);
      if (await reader.more()) throw damaged('something stands behind its end');
      return;
    }
    const length = (await reader.take(4)).readUInt32LE();
    if (length > (kind in textKinds ? largestTextBytes : largestBytes))
      throw damaged(`got a row of ${length} bytes`);
    const record = decode(kind, number, await reader.take(length));
    if (record === undefined) throw damaged(`got a record of kind ${kind}`);
    if (isRow(record)) rows++;
    yield record;
  }
}

/** Undefined where there is no such kind. */
function decode(kind: number, number: number, bytes: Buffer): Record | undefined {
  if (kind === mergerKind) return { begins: 'merger' };
  const text = nameOf(textKinds, kind);
  if (text !== undefined) return { text, value: bytes.toString() };
  const series = nameOf(seriesKinds, kind);
  if (series !== undefined) return { series, row: { start: number, bytes } };
  const [key, value] = [bytes.subarray(0, number), bytes.subarray(number)];
  const keyed = nameOf(keyedKinds, kind);
  if (keyed === undefined) return undefined;
  return keyed === 'report' ? { report: key, bytes: value } : { ...partOf(key), bytes: value };
}

/** @throws Reto3Error RETO3_BLOCK_DAMAGED */
export function assertWhole(series: Series, { start, bytes }: EncodedRow): void {
  try {
    decodeWindows(bytes, lengthOf(series), rowName(series, start));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const to = start + (series === 'journal' ? sec.windowMs : periods[series].blockMs);
    reportDamage({ series, from: start, to, reason: error.message }, undefined);
  }
}

export function damaged(reason: string): Reto3Error {
  return new Reto3Error('RETO3_BACKUP_DAMAGED', `cannot read the backup: ${reason}`);
}

/** Of all bytes up to these. Without bytes, zlib may take their address for none and begin at 0. */
function checksumOf(bytes: Uint8Array, before: number): number {
  return bytes.length === 0 ? before : crc32(bytes, before);
}

function head(kind: number, number: number, length: number): Buffer {
  const bytes = Buffer.alloc(headBytes);
  bytes.writeUInt8(kind);
  bytes.writeUIntLE(number, 1, 6);
  bytes.writeUInt32LE(length, 7);
  return bytes;
}

/** Takes bytes from pieces of any size, with the checksum of all that was taken. */
class Reader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);
  sum = 0;

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  async take(bytes: number): Promise<Buffer> {
    const parts = [this.#rest];
    let held = this.#rest.length;
    while (held < bytes) {
      const { done, value } = await this.#pieces.next();
      if (done === true) throw damaged('it ends too early');
      parts.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
      held += value.length;
    }
    const all = parts.length === 1 ? this.#rest : Buffer.concat(parts);
    const taken = all.subarray(0, bytes);
    this.#rest = all.subarray(bytes);
    this.sum = checksumOf(taken, this.sum);
    return taken;
  }

  async more(): Promise<boolean> {
    return this.#rest.length > 0 || (await this.#pieces.next()).done !== true;
  }
}
