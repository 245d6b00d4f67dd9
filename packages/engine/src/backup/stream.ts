/**
 * A backup as a stream: the rows of a snapshot in their stored, compressed form, then those of the
 * merger if there is one, then a checksum over everything. docs/format.md documents the bytes.
 *
 *     magic · version · record · record · … · end (rows, CRC-32)
 *
 * Writing and reading take memory for one row. Reading returns what was written, or throws.
 */
import { crc32 } from 'node:zlib';
import { type Damage, periods, Reto3Error, reportDamage, sec } from '@reto3/core';
import { DamagedRow, decodeWindows } from '../store/codec.ts';
import { backupMagic } from '../store/database-files.ts';
import { type metaKeys, partKey, partOf, rowName, type Series } from '../store/keys.ts';
import { allReports } from '../store/report-rows.ts';
import { type EncodedRow, lengthOf } from '../store/rows.ts';
import { allTime, type StoreSnapshot } from '../store/store.ts';

/** Version 2 has the rows of a merger after those of the node. */
const [versionOfNode, versionWithMerger] = [1, 2];

/** The kind of a record, its first byte; a row's kind names its series. */
const endKind = 0;
const textKinds = { 1: 'node', 2: 'gone', 3: 'merge' } as const;
const seriesKinds = { 16: 'journal', 17: 'ms10', 18: 'sec', 19: 'min' } as const;
/** Key and value; the length of the key takes the place of a start. */
const keyedKinds = { 20: 'report', 21: 'part' } as const;
/** Everything after it belongs to the merger. */
const mergerKind = 32;

const headBytes = 1 + 6 + 4;
const endBytes = 1 + 6 + 4;
/** Far above any row: a longer one is damage, and reading it could exhaust memory. */
const largestBytes = 1 << 20;
/** The same for a text; a merger has one with the state of all its nodes. */
const largestTextBytes = 64 << 20;
/** Small rows are sent together. */
const pieceBytes = 64 << 10;

/** The rows of a store for a backup: a snapshot, or a snapshot with the open minutes. */
export type BackupRows = Pick<StoreSnapshot, 'text' | 'encodedRows' | 'reports' | 'parts'>;

export type BackupRecord =
  | { readonly text: keyof typeof metaKeys; readonly value: string }
  | { readonly series: Series; readonly row: EncodedRow }
  | { readonly report: Uint8Array; readonly bytes: Uint8Array }
  | { readonly part: string; readonly start: number; readonly bytes: Uint8Array }
  | { readonly begins: 'merger' };

/** Whether the record is a row, which the end record counts. */
export function isRow(record: BackupRecord): boolean {
  return !('text' in record || 'begins' in record);
}

/**
 * The bytes of a backup. Keep the snapshots open until the last piece.
 * @param merger the merger's rows, which are not verified: a merger reads damaged ones again from
 * its nodes
 * @throws Reto3Error RETO3_BLOCK_DAMAGED if a row of the node is damaged, since a damaged backup
 * would be noticed too late
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

  add([backupMagic, Uint8Array.of(merger === undefined ? versionOfNode : versionWithMerger)]);
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

async function* recordsOf(node: BackupRows, merger?: BackupRows): AsyncGenerator<BackupRecord> {
  for await (const record of rowsOf(node)) {
    // Damaged rows of reports are included: reading them reports the damage, and no count needs
    // them.
    const damage = 'series' in record ? damageIn(record.series, record.row) : undefined;
    if (damage !== undefined) reportDamage(damage, undefined);
    yield record;
  }
  if (merger === undefined) return;
  yield { begins: 'merger' };
  yield* rowsOf(merger);
}

async function* rowsOf(store: BackupRows): AsyncGenerator<BackupRecord> {
  for (const text of Object.values(textKinds)) {
    const value = await store.text(text);
    if (value !== undefined) yield { text, value };
  }
  for (const series of Object.values(seriesKinds))
    for await (const row of store.encodedRows(series, allTime)) yield { series, row };
  for await (const [report, bytes] of store.reports(allReports)) yield { report, bytes };
  for await (const [key, bytes] of store.parts()) yield { ...partOf(key), bytes };
}

function encode(record: BackupRecord): Uint8Array[] {
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
export async function* readBackup(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<BackupRecord> {
  const reader = new Reader(pieces);
  const opening = await reader.take(backupMagic.length + 1);
  if (!opening.subarray(0, backupMagic.length).equals(backupMagic))
    throw damaged('it is not a backup of reto3');
  const version = opening[backupMagic.length];
  if (version !== versionOfNode && version !== versionWithMerger)
    throw damaged(
      `got version ${version}, want ${versionOfNode} or ${versionWithMerger}; a later reto3 may have written it`,
    );
  for (let rows = 0; ; ) {
    const [kind = endKind] = await reader.take(1);
    const number = (await reader.take(6)).readUIntLE(0, 6);
    if (kind === endKind) {
      const { sum } = reader;
      const wanted = (await reader.take(4)).readUInt32LE();
      if (wanted !== sum) throw damaged('its checksum does not match');
      if (number !== rows) throw damaged(`got ${rows} rows, want ${number}`);
      if (await reader.more()) throw damaged('got bytes after its end');
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

/**
 * @param number the start of a row, epoch ms, or the length of its key
 * @returns undefined for an unknown kind
 */
function decode(kind: number, number: number, bytes: Buffer): BackupRecord | undefined {
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

/** The damage in a row; undefined if it is intact. */
export function damageIn(series: Series, { start, bytes }: EncodedRow): Damage | undefined {
  try {
    decodeWindows(bytes, lengthOf(series), rowName(series, start));
    return undefined;
  } catch (error) {
    if (!(error instanceof DamagedRow)) throw error;
    const to = start + (series === 'journal' ? sec.windowMs : periods[series].blockMs);
    return { series, from: start, to, reason: error.message };
  }
}

export function damaged(reason: string): Reto3Error {
  return new Reto3Error('RETO3_BACKUP_DAMAGED', `cannot read the backup: ${reason}`);
}

/** Continues a checksum. Given no bytes, zlib may return its start value instead of `before`. */
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

/** Takes bytes from pieces of any size; `sum` is the checksum of all bytes taken. */
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
