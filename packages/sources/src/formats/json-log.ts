/**
 * Logs of one JSON object per line. A format names the keys that it needs and reads their values; the
 * rest is shared.
 */
import { isText, isWhole, slash } from '../bytes.ts';
import type { LineParser, ParserOptions, Reason, Stamp } from '../format.ts';
import {
  isRequestLine,
  isStatus,
  type Part,
  type PartNames,
  parts,
  type Request,
  setPart,
  unescaped,
} from '../request.ts';
import { readAnyTime, readDuration } from '../time/any-time.ts';
import { type UnitDigits, unitDigits } from '../time/instant.ts';
import { JsonFields } from './json-fields.ts';

const openBrace = 0x7b;

/** The values of one line, by the index of their keys. */
export class JsonLine {
  readonly #fields: JsonFields;
  readonly #options: ParserOptions;
  #bytes: Uint8Array = new Uint8Array();

  constructor(keys: readonly string[], options: ParserOptions) {
    this.#fields = new JsonFields(keys);
    this.#options = options;
  }

  scan(bytes: Uint8Array, from: number, to: number): boolean {
    this.#bytes = bytes;
    return this.#fields.scan(bytes, from, to);
  }

  has(key: number): boolean {
    return this.#fields.has(key);
  }

  /** Whether the value under a key has digits only. */
  isWhole(key: number): boolean {
    const { from, to } = this.#fields;
    return this.has(key) && isWhole(this.#bytes, from[key] ?? 0, to[key] ?? 0);
  }

  /** Whether the value under a key is three digits. */
  isStatus(key: number): boolean {
    const { from, to } = this.#fields;
    return this.has(key) && isStatus(this.#bytes, from[key] ?? 0, to[key] ?? 0);
  }

  /** Whether the value under a key is `GET / HTTP/1.1`. */
  isRequestLine(key: number): boolean {
    const { from, to } = this.#fields;
    return this.has(key) && isRequestLine(this.#bytes, from[key] ?? 0, to[key] ?? 0);
  }

  /** Whether the value under a key is `/a?b`, or an object, such as `{"method":"GET"}`. */
  isPathOrObject(key: number): boolean {
    const first = this.#bytes[this.#fields.from[key] ?? 0];
    return this.has(key) && (first === slash || first === openBrace);
  }

  hasAny(keys: readonly number[]): boolean {
    for (const key of keys) if (this.has(key)) return true;
    return false;
  }

  is(key: number, text: Uint8Array): boolean {
    const { from, to } = this.#fields;
    return this.has(key) && isText(this.#bytes, from[key] ?? 0, to[key] ?? 0, text);
  }

  /** Reads the time under a key, in whatever form it has. */
  readTime(key: number, { time }: Pick<Stamp, 'time'>): boolean {
    const { from, to } = this.#fields;
    return (
      this.has(key) &&
      readAnyTime(this.#bytes, from[key] ?? 0, to[key] ?? 0, time, this.#options.zone)
    );
  }

  /** Reads the time under the first of these keys that has one. */
  readFirstTime(keys: readonly number[], stamp: Pick<Stamp, 'time'>): boolean {
    for (const key of keys) if (this.readTime(key, stamp)) return true;
    return false;
  }

  /** Reads the duration under a key. */
  readDuration(key: number, stamp: Stamp, unit: UnitDigits = unitDigits.s): void {
    const { from, to } = this.#fields;
    stamp.hasDuration =
      this.has(key) &&
      readDuration(this.#bytes, from[key] ?? 0, to[key] ?? 0, stamp.duration, unit);
  }

  /** Fills in a part of a request from the value under a key. */
  describe(key: number, part: Part, request: Request): void {
    const { from, to } = this.#fields;
    const [begin, end] = [from[key] ?? 0, to[key] ?? 0];
    const text = unescaped(this.#bytes, begin, end);
    if (text === undefined) setPart(request, part, this.#bytes, begin, end);
    else setPart(request, part, text, 0, text.length);
  }

  /** Bytes of the value under a key. */
  lengthOf(key: number): number {
    return (this.#fields.to[key] ?? 0) - (this.#fields.from[key] ?? 0);
  }
}

/**
 * @param names the keys that describe the request
 * @param read reads the times of a line, or returns why it is not a message
 */
export function jsonParser(
  keys: readonly string[],
  options: ParserOptions,
  names: PartNames,
  read: (line: JsonLine, stamp: Stamp) => Reason | undefined,
): LineParser {
  const more = options.isDescribed ? parts.flatMap((part) => names[part] ?? []) : [];
  const all = [...new Set([...keys, ...more])];
  const described = parts.map((part): readonly [Part, readonly number[]] => [
    part,
    (names[part] ?? []).map((name) => all.indexOf(name)),
  ]);
  const line = new JsonLine(all, options);
  return {
    parse(bytes, from, to, stamp) {
      if (!line.scan(bytes, from, to)) return 'no request of this format';
      return read(line, stamp);
    },
    describe(_bytes, _from, _to, request) {
      for (const [part, indexes] of described)
        for (const index of indexes) {
          if (!line.has(index)) continue;
          line.describe(index, part, request);
          break;
        }
    },
  };
}
