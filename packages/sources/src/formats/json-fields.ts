/**
 * Finds the values of a few keys of a JSON object in the bytes of its line, without parsing it.
 *
 * A key is a name, or `outer/inner` for one of an object inside. The line is walked from value to
 * value, to the brace that closes it: a key that was not met is absent, and the last of two with
 * one name counts. What lies between two values is read tolerantly: a string before a colon is a
 * key, and the rest is passed over. A line that is damaged behind its last wanted key is accepted;
 * one that was cut off is not, since its last byte has to close the object.
 *
 * A program writes its keys in one order, so each object keeps the keys that it has had, in that
 * order, as the bytes from the end of the value before to the colon. Where the next bytes are those
 * of one of the next few keys, they need not be read again: the same bytes are the same key. What
 * a line says never depends on the lines before it.
 */
import {
  backslash,
  closeBrace,
  closeBracket,
  colon,
  comma,
  isText,
  openBrace,
  openBracket,
  quote,
  space,
  textBytes,
} from '../bytes.ts';
import { unescaped } from '../request.ts';

const smallN = 0x6e;
const [plain, inQuotes, opens, closes] = [0, 1, 2, 3] as const;
const kinds = new Uint8Array(256);
kinds[quote] = inQuotes;
kinds[openBrace] = opens;
kinds[openBracket] = opens;
kinds[closeBrace] = closes;
kinds[closeBracket] = closes;
/** What ends a number, and other values without quotes and brackets. */
const endsNumber = new Uint8Array(256);
for (const byte of [comma, quote, openBrace, openBracket, closeBrace, closeBracket])
  endsNumber[byte] = 1;

/** So many keys of an object are kept. One that has more has them in no order. */
const maxKeys = 256;
/** Keys of other lengths are not kept. */
const [shortestKey, longestKey] = [4, 128] as const;
/** So many keys may be absent before the next one is read instead of looked for. */
const maxAbsent = 8;

interface Wanted {
  readonly name: Uint8Array;
  /** Which value it is; -1 for an object that has wanted keys inside. */
  readonly index: number;
  readonly inside: Keys | undefined;
}

/** A key as lines have it: the bytes from the end of the value before to its colon. */
class Key {
  /** Four bytes each; the last ones overlap. */
  readonly words: Int32Array;
  readonly length: number;
  /** Undefined where its value is not. */
  readonly wanted: Wanted | undefined;
  next: Key | undefined;

  constructor(words: Int32Array, length: number, wanted?: Wanted, next?: Key) {
    this.words = words;
    this.length = length;
    this.wanted = wanted;
    this.next = next;
  }

  /** Whether the next bytes are this key. */
  isAt(line: DataView, at: number, to: number): boolean {
    const { words } = this;
    const last = words.length - 1;
    if (at + this.length > to) return false;
    // Keys of one prefix differ in their ends.
    if (line.getInt32(at + this.length - 4, true) !== words[last]) return false;
    for (let index = 0; index < last; index++)
      if (line.getInt32(at + (index << 2), true) !== words[index]) return false;
    return true;
  }
}

/** The keys of an object that has wanted ones. */
class Keys {
  readonly #wanted: readonly Wanted[];
  /** In front of the first one. */
  readonly begin = new Key(new Int32Array(), 0);
  /** Which values are inside. */
  readonly indexes: Int32Array;
  #kept = 0;

  constructor(keys: readonly { readonly key: string; readonly index: number }[]) {
    this.indexes = Int32Array.from(keys, ({ index }) => index);
    const byName = new Map<string, { key: string; index: number }[]>();
    for (const { key, index } of keys) {
      const [name = '', ...rest] = key.split('/');
      byName.set(name, [...(byName.get(name) ?? []), { key: rest.join('/'), index }]);
    }
    this.#wanted = [...byName].map(([name, inside]) => {
      const own = inside.find(({ key }) => key === '');
      return {
        name: textBytes(name),
        index: own?.index ?? -1,
        inside: own === undefined ? new Keys(inside) : undefined,
      };
    });
  }

  /** The wanted key of that name, which may have escapes. */
  find(bytes: Uint8Array, from: number, to: number): Wanted | undefined {
    const text = unescaped(bytes, from, to);
    return this.#wanted.find(({ name }) =>
      text === undefined ? isText(bytes, from, to, name) : isText(text, 0, text.length, name),
    );
  }

  /** Keeps a key behind the one before, if it can be. @returns where the next is looked for */
  keep(before: Key, line: DataView, from: number, to: number, wanted: Wanted | undefined): Key {
    const length = to - from;
    if (length < shortestKey || length > longestKey || this.#kept === maxKeys) return before;
    this.#kept++;
    const words = Int32Array.from({ length: Math.ceil(length / 4) }, (_, index) =>
      line.getInt32(Math.min(from + 4 * index, to - 4), true),
    );
    before.next = new Key(words, length, wanted, before.next);
    return before.next;
  }
}

export class JsonFields {
  /** Where each value begins and ends, without its quotes; -1 where the key is absent or null. */
  readonly from: Int32Array;
  /** -1 where the key is absent. */
  readonly to: Int32Array;
  readonly #keys: Keys;
  #bytes: Uint8Array = new Uint8Array();
  /** The same bytes, to read four at a time. */
  #line = new DataView(this.#bytes.buffer);

  /** @param keys in the order of `from` and `to` */
  constructor(keys: readonly string[]) {
    this.from = new Int32Array(keys.length).fill(-1);
    this.to = new Int32Array(keys.length).fill(-1);
    this.#keys = new Keys(keys.map((key, index) => ({ key, index })));
  }

  has(index: number): boolean {
    return (this.from[index] ?? -1) >= 0;
  }

  /** Whether [from, to) is one object, or has all keys before it is damaged. */
  scan(bytes: Uint8Array, from: number, to: number): boolean {
    let begin = from;
    let end = to;
    while (end > from && (bytes[end - 1] ?? 0) <= space) end--;
    const isAlone = bytes[from] === openBrace && bytes[end - 1] === closeBrace;
    if (!isAlone) {
      // In an array with an object a line; one with more objects in it is refused below.
      while (begin < end && isAround(bytes[begin] ?? 0)) begin++;
      while (end > begin && isAround(bytes[end - 1] ?? 0)) end--;
      if (bytes[begin] !== openBrace || bytes[end - 1] !== closeBrace) return false;
    }
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#line = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    this.#forget(this.#keys);
    const isWhole = this.#walk(this.#keys, bytes, this.#line, begin + 1, end) === end;
    return isWhole || (isAlone && !this.to.includes(-1));
  }

  /** Notes the values of an object that begins before `from`; returns where it ends, or -1. */
  #walk(keys: Keys, bytes: Uint8Array, line: DataView, from: number, to: number): number {
    let key = keys.begin;
    let at = from;
    while (bytes[at] !== closeBrace) {
      let wanted: Wanted | undefined;
      const next = nextOf(key, line, at, to);
      if (next !== undefined) {
        key = next;
        wanted = next.wanted;
        at += next.length;
      } else {
        const name = nextKey(bytes, line, at, to);
        if (name === -1) return -1;
        if (bytes[name] !== quote) return name + 1;
        const nameEnd = behindString(line, name, to);
        const end = behindColon(bytes, nameEnd, to);
        wanted = keys.find(bytes, name + 1, nameEnd - 1);
        key = keys.keep(key, line, at, end, wanted);
        at = end;
      }
      while (at < to && (bytes[at] ?? 0) <= space) at++;
      if (wanted?.inside !== undefined) this.#forget(wanted.inside);
      if (wanted?.inside !== undefined && bytes[at] === openBrace)
        at = this.#walk(wanted.inside, bytes, line, at + 1, to);
      else {
        const end = behindValue(bytes, line, at, to);
        if (wanted !== undefined && wanted.index !== -1 && end !== -1)
          this.#take(wanted.index, bytes, at, end);
        at = end;
      }
      if (at === -1 || at >= to) return -1;
    }
    return at + 1;
  }

  #forget({ indexes }: Keys): void {
    for (let at = 0; at < indexes.length; at++) {
      const index = indexes[at] ?? 0;
      this.from[index] = this.to[index] = -1;
    }
  }

  /** Notes a value, of which [from, to) are the bytes. */
  #take(index: number, bytes: Uint8Array, from: number, to: number): void {
    const first = bytes[from] ?? 0;
    if (first === quote) {
      this.from[index] = from + 1;
      this.to[index] = to - 1;
      return;
    }
    // The begin of an object or a list stands for all of it.
    let end = kinds[first] === opens ? from : to;
    while (end > from && (bytes[end - 1] ?? 0) <= space) end--;
    this.from[index] = first === smallN ? -1 : from;
    this.to[index] = end;
  }
}

/** Whether a byte may stand around the objects of an array. */
function isAround(byte: number): boolean {
  return byte <= space || byte === comma || byte === openBracket || byte === closeBracket;
}

/** Which of the next few keys the next bytes are, as far as they are known. */
function nextOf(before: Key, line: DataView, at: number, to: number): Key | undefined {
  let key = before.next;
  for (let absent = 0; key !== undefined && absent <= maxAbsent; absent++) {
    if (key.isAt(line, at, to)) return key;
    key = key.next;
  }
  return undefined;
}

/** Where the next key of an object begins, or the bracket that closes it; -1 for neither. */
function nextKey(bytes: Uint8Array, line: DataView, from: number, to: number): number {
  let at = from;
  while (at < to) {
    const kind = kinds[bytes[at] ?? 0];
    if (kind === closes) return at;
    if (kind === plain) {
      at++;
      continue;
    }
    const end = behindValue(bytes, line, at, to);
    if (end === -1 || (kind === inQuotes && behindColon(bytes, end, to) !== -1))
      return end === -1 ? -1 : at;
    at = end;
  }
  return -1;
}

/** Behind a colon that is next but for blanks, or -1. */
function behindColon(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && (bytes[at] ?? 0) <= space) at++;
  return at < to && bytes[at] === colon ? at + 1 : -1;
}

/** Behind a value, or -1 where it does not end. */
function behindValue(bytes: Uint8Array, line: DataView, from: number, to: number): number {
  const first = kinds[bytes[from] ?? 0];
  if (first === inQuotes) return behindString(line, from, to);
  let at = from;
  if (first !== opens) {
    while (at < to && endsNumber[bytes[at] ?? 0] === 0) at++;
    return at;
  }
  let depth = 0;
  while (at < to) {
    const kind = kinds[bytes[at] ?? 0];
    if (kind === inQuotes) {
      at = behindString(line, at, to);
      if (at === -1) return -1;
      continue;
    }
    at++;
    if (kind === plain) continue;
    depth += kind === opens ? 1 : -1;
    if (depth === 0) return at;
  }
  return -1;
}

// Of four bytes each; as 32 bits with a sign, which the processor has in registers.
const ones = 0x01_01_01_01;
const highBits = 0x80_80_80_80 | 0;
const quotes = quote * ones;
const backslashes = backslash * ones;

/**
 * Behind the string that begins at `from`, or -1 where it does not end. Looks at four bytes at a
 * time: less one, a byte that was 0 has its high bit set and had not before, and the lowest such
 * byte of a word has no borrow from another (Bit Twiddling Hacks, "Determine if a word has a zero
 * byte").
 */
function behindString(line: DataView, from: number, to: number): number {
  let at = from + 1;
  while (at + 4 <= to) {
    const word = line.getInt32(at, true);
    const quoted = word ^ quotes;
    const escaped = word ^ backslashes;
    const ends = (quoted - ones) & ~quoted;
    const found = (ends | ((escaped - ones) & ~escaped)) & highBits;
    if (found === 0) {
      at += 4;
      continue;
    }
    const lowest = found & -found;
    at += (39 - Math.clz32(lowest)) >> 3;
    if ((ends & lowest) !== 0) return at;
    at++;
  }
  for (; at < to; at++) {
    const byte = line.getUint8(at);
    if (byte === quote) return at + 1;
    if (byte === backslash) at++;
  }
  return -1;
}
