/**
 * A backup as a stream: the rows of one LevelDB snapshot as they are stored, compressed as they
 * are, with a checksum over all of it at the end. docs/format.md draws the bytes.
 *
 *     magic · version · record · record · … · end (rows, CRC-32)
 *
 * Writing and reading need memory for one row. Reading gives what was written or throws.
 */
import { crc32 } from 'node:zlib';
import { periods, Reto3Error, reportDamage, sec } from '@reto3/core';
import { decodeWindows } from '../store/codec.ts';
import { rowName, type Series } from '../store/keys.ts';
import { allReports } from '../store/report-rows.ts';
import { type EncodedRow, lengthOf } from '../store/rows.ts';
import { allTime, type StoreSnapshot } from '../store/store.ts';

const magic = Buffer.from('RETO3BAK', 'latin1');
const version = 1;

/** The kinds of records. A row's kind says its series. */
const endKind = 0;
const textKinds = { 1: 'meta', 2: 'gone' } as const;
const seriesKinds = { 16: 'journal', 17: 'ms10', 18: 'sec', 19: 'min' } as const;
/** What is stored of reports: the key and its value, and how long the key is instead of a start. */
const reportKind = 20;

const headBytes = 1 + 6 + 4;
const endBytes = 1 + 6 + 4;
/** Far above any row: what claims to be larger is damage, and is not read into memory. */
const largestBytes = 1 << 20;
/** Small rows go out together. */
const pieceBytes = 64 << 10;

export type Record =
  | { readonly text: 'meta' | 'gone'; readonly value: string }
  | { readonly series: Series; readonly row: EncodedRow }
  | { readonly report: Uint8Array; readonly bytes: Uint8Array };

/**
 * The whole backup, piece by piece. The snapshot stays open until its last piece.
 * @throws Reto3Error RETO3_BLOCK_DAMAGED: a backup of damage would be found out too late
 */
export async function* writeBackup(
  snapshot: Pick<StoreSnapshot, 'text' | 'encodedRows' | 'reports'>,
): AsyncGenerator<Uint8Array> {
  let sum = 0;
  let rows = 0;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  const add = (...parts: Uint8Array[]): void => {
    for (const part of parts) {
      sum = crc32(part, sum);
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

  add(magic, Uint8Array.of(version));
  for (const [kind, name] of Object.entries(textKinds)) {
    const text = await snapshot.text(name);
    if (text !== undefined) add(head(Number(kind), 0, Buffer.byteLength(text)), Buffer.from(text));
  }
  for (const [kind, series] of Object.entries(seriesKinds)) {
    for await (const row of snapshot.encodedRows(series, allTime)) {
      assertWhole(series, row);
      add(head(Number(kind), row.start, row.bytes.length), row.bytes);
      rows++;
      if (waitingBytes >= pieceBytes) yield take();
    }
  }
  // A damaged one goes with the others: its reader is told, and the counts do not depend on it.
  for await (const [key, bytes] of snapshot.reports(allReports)) {
    add(head(reportKind, key.length, key.length + bytes.length), key, bytes);
    rows++;
    if (waitingBytes >= pieceBytes) yield take();
  }
  const end = head(endKind, rows, 0).subarray(0, endBytes - 4);
  add(end);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(sum);
  waiting.push(checksum);
  yield take();
}

/** @throws Reto3Error RETO3_BACKUP_DAMAGED */
export async function* readBackup(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Record> {
  const reader = new Reader(pieces);
  const opening = await reader.take(magic.length + 1);
  if (!opening.subarray(0, magic.length).equals(magic)) throw damaged('it is no backup of reto3');
  if (opening[magic.length] !== version)
    throw damaged(`got version ${opening[magic.length]}, want ${version}`);
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
    if (length > largestBytes) throw damaged(`got a row of ${length} bytes`);
    const bytes = await reader.take(length);
    const text = kind === 1 || kind === 2 ? textKinds[kind] : undefined;
    const series = Object.entries(seriesKinds).find(([candidate]) => Number(candidate) === kind);
    if (text !== undefined) yield { text, value: bytes.toString() };
    else if (kind === reportKind) {
      rows++;
      yield { report: bytes.subarray(0, number), bytes: bytes.subarray(number) };
    } else if (series === undefined) throw damaged(`got a record of kind ${kind}`);
    else {
      rows++;
      yield { series: series[1], row: { start: number, bytes } };
    }
  }
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
    this.sum = crc32(taken, this.sum);
    return taken;
  }

  async more(): Promise<boolean> {
    return this.#rest.length > 0 || (await this.#pieces.next()).done !== true;
  }
}
