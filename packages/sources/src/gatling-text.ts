/**
 * Gatling's binary simulation.log, of 3.13 and later, as the text that earlier versions wrote
 * (formats/gatling.ts).
 *
 *     log     = run *(request / user / group / error)
 *     run     = 0 version:string class:string start:i64 description:string strings payloads
 *     request = 1 names name start:i32 end:i32 ok:u8 message:name      ms since the start of the run
 *     user    = 2 scenario:i32 isStart:u8 time:i32
 *     group   = 3 names start:i32 end:i32 sum:i32 ok:u8
 *     error   = 4 message:name time:i32
 *     name    = id:i32 string             the first time, then −id:i32
 *     string  = bytes [encoding:u8]       Java's: 0 Latin-1, 1 UTF-16; none behind an empty string
 *     bytes   = length:i32 …              also a payload; names, strings and payloads: count:i32 …
 *
 * Integers are big-endian. A record has no length, so nothing behind an unreadable one can be read.
 * A record that the end of the log cuts off becomes a line that is no request.
 */
import { Transform, type TransformCallback } from 'node:stream';

const [run, request, user, group, error] = [0, 1, 2, 3, 4] as const;
/** Far more than the longest failure message or assertion. */
const maxRecordBytes = 1 << 24;
const longestVersion = 31;

/** Whether a log with these first bytes is one: the kind of its first record, then a version such as 3.13.1. */
export function isBinaryGatling(first: Buffer): boolean {
  if (first.length < 8 || first[0] !== run) return false;
  const length = first.readInt32BE(1);
  return length > 0 && length <= longestVersion && /^\d\./.test(first.toString('latin1', 5, 7));
}

export class GatlingText extends Transform {
  readonly #names = new Map<number, string>();
  /** Bytes of a record that the last chunk did not end. */
  #rest = Buffer.alloc(0);
  /** Of the rest, in the log. */
  #offset = 0;
  #startMs = 0;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const bytes = Buffer.concat([this.#rest, chunk]);
    const reader = new RecordReader(bytes, this.#names);
    const lines: string[] = [];
    let end = 0;
    try {
      for (;;) {
        const line = this.#lineOf(reader);
        if (reader.isShort) break;
        lines.push(line);
        end = reader.at;
      }
      if (bytes.length - end > maxRecordBytes) throw new Error('a length that is too large');
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      done(new Error(`its record at byte ${this.#offset + end} has ${why}`, { cause }));
      return;
    }
    this.#rest = Buffer.from(bytes.subarray(end));
    this.#offset += end;
    done(null, lines.join(''));
  }

  override _flush(done: TransformCallback): void {
    const bytes = this.#rest.length;
    done(null, bytes === 0 ? undefined : `${bytes} bytes of a record without its end\n`);
  }

  #lineOf(reader: RecordReader): string {
    const kind = reader.byte();
    switch (kind) {
      case run: {
        const [version, name, startMs] = [reader.string(), reader.string(), reader.long()];
        const description = reader.string();
        reader.list(() => reader.string());
        reader.list(() => reader.bytes());
        if (!reader.isShort) this.#startMs = startMs;
        return lineOf('RUN', name, '', String(startMs), description, version);
      }
      case request: {
        const [groups, name] = [reader.list(() => reader.name()), reader.name()];
        const [start, end] = [this.#time(reader.int()), this.#time(reader.int())];
        const [isGood, message] = [reader.byte() === 1, reader.name()];
        return lineOf('REQUEST', groups.join(), name, start, end, isGood ? 'OK' : 'KO', message);
      }
      case user:
        reader.skip(4 + 1 + 4);
        return lineOf('USER', '');
      case group:
        reader.list(() => reader.name());
        reader.skip(4 + 4 + 4 + 1);
        return lineOf('GROUP', '');
      case error:
        return lineOf('ERROR', reader.name(), this.#time(reader.int()));
      default:
        throw new Error(`the unknown kind ${kind}`);
    }
  }

  /** A negative offset is a time that Gatling does not know. */
  #time(offsetMs: number): string {
    return offsetMs < 0 ? '' : String(this.#startMs + offsetMs);
  }
}

function lineOf(...fields: readonly string[]): string {
  return `${fields.map((text) => text.replaceAll(/[\t\r\n]/g, ' ')).join('\t')}\n`;
}

/** Reads values one behind the other; behind the last byte they are empty, and `isShort` is set. */
class RecordReader {
  readonly #bytes: Buffer;
  readonly #names: Map<number, string>;
  at = 0;
  isShort = false;

  constructor(bytes: Buffer, names: Map<number, string>) {
    this.#bytes = bytes;
    this.#names = names;
  }

  byte(): number {
    return this.#take(1)?.[0] ?? 0;
  }

  int(): number {
    return this.#take(4)?.readInt32BE() ?? 0;
  }

  long(): number {
    return Number(this.#take(8)?.readBigInt64BE() ?? 0);
  }

  skip(bytes: number): void {
    this.#take(bytes);
  }

  bytes(): Buffer {
    const length = this.int();
    if (length < 0) throw new Error(`the length ${length}`);
    return this.#take(length) ?? Buffer.alloc(0);
  }

  string(): string {
    const bytes = this.bytes();
    if (bytes.length === 0) return '';
    return bytes.toString(this.byte() === 0 ? 'latin1' : 'utf16le');
  }

  name(): string {
    const id = this.int();
    if (id >= 0) {
      const text = this.string();
      if (!this.isShort) this.#names.set(id, text);
      return text;
    }
    const text = this.#names.get(-id);
    if (text === undefined) throw new Error(`the unknown name ${-id}`);
    return text;
  }

  list<T>(item: () => T): readonly T[] {
    const items: T[] = [];
    for (let count = this.int(); count > 0 && !this.isShort; count--) items.push(item());
    return items;
  }

  #take(length: number): Buffer | undefined {
    if (this.at + length > this.#bytes.length) {
      this.isShort = true;
      return undefined;
    }
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }
}
