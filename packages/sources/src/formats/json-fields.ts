/**
 * Finds the values of a few keys of a JSON object in the bytes of its line, without parsing it.
 *
 * A key is a name, or `outer/inner` for one of an object inside. One pass over the bytes: strings
 * are skipped, brackets are counted, and a string before a colon at the wanted depth is a key. The
 * pass ends with the last wanted key, so a line that is damaged behind it is accepted; one that was
 * cut off is not, since its last byte has to close the object.
 *
 * Strings of any length make that pass slow: the processor cannot foresee where they end. But a
 * program writes its keys in one order, so after some lines each key is looked for near the place
 * that it had in the line before, counted from the begin or the end of the line. Where one is not
 * found there, or where a line had a key of that name in another object as well, the pass is made.
 */
import {
  backslash,
  closeBrace,
  closeBracket,
  colon,
  comma,
  openBrace,
  openBracket,
  quote,
  space,
  textBytes,
} from '../bytes.ts';

interface Wanted {
  readonly name: Uint8Array;
  /** Which value it is; -1 for an object that has wanted keys inside. */
  readonly index: number;
  readonly inside: readonly Wanted[];
}

const smallN = 0x6e;
const [plain, inQuotes, opens, closes] = [0, 1, 2, 3] as const;
const kinds = new Uint8Array(256);
kinds[quote] = inQuotes;
kinds[openBrace] = opens;
kinds[openBracket] = opens;
kinds[closeBrace] = closes;
kinds[closeBracket] = closes;

/** So many lines are read whole before any key is looked for where the last line had it. */
const learnedLines = 100;
/** As far as a key may have moved. */
const maxMove = 40;

export class JsonFields {
  /** Where each value begins and ends, without its quotes; -1 where the key is absent or null. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly #wanted: readonly Wanted[];
  #missing = 0;
  #lines = 0;
  /** Keys are where they were, and nowhere else. */
  #isRegular: boolean;
  /** Where each key was in the line before: behind its begin, and before its end. */
  readonly #behindBegin: Int32Array;
  readonly #beforeEnd: Int32Array;
  /** 1 where a key moves less from line to line when it is counted from the end. */
  readonly #fromEnd: Uint8Array;

  /** @param keys in the order of `from` and `to` */
  constructor(keys: readonly string[]) {
    this.from = new Int32Array(keys.length).fill(-1);
    this.to = new Int32Array(keys.length);
    this.#wanted = wantedOf(keys.map((key, index) => ({ key, index })));
    this.#isRegular = this.#wanted.every(({ index }) => index !== -1);
    this.#behindBegin = new Int32Array(keys.length).fill(-1);
    this.#beforeEnd = new Int32Array(keys.length);
    this.#fromEnd = new Uint8Array(keys.length);
  }

  has(index: number): boolean {
    return (this.from[index] ?? -1) >= 0;
  }

  /** Whether [from, to) is one object, as far as it was looked at. */
  scan(bytes: Uint8Array, from: number, to: number): boolean {
    let end = to;
    while (end > from && (bytes[end - 1] ?? 0) <= space) end--;
    if (bytes[from] !== openBrace || bytes[end - 1] !== closeBrace) return false;
    if (this.#isRegular && this.#lines >= learnedLines && this.#probe(bytes, from, end))
      return true;
    this.#lines++;
    this.from.fill(-1);
    this.#missing = this.from.length;
    let depth = 0;
    // Keys that count at this depth, and at how many brackets they are.
    let wanted = this.#wanted;
    let wantedDepth = 1;
    let at = from;
    while (at < end) {
      const kind = kinds[bytes[at] ?? 0];
      if (kind === plain) {
        at++;
        continue;
      }
      if (kind === opens) {
        depth++;
        at++;
        continue;
      }
      if (kind === closes) {
        depth--;
        at++;
        if (depth === 0) return at === end;
        if (depth < wantedDepth) {
          wanted = this.#wanted;
          wantedDepth = 1;
        }
        continue;
      }
      const nameFrom = at + 1;
      at = endOfString(bytes, nameFrom, end);
      if (at === -1) return false;
      const nameTo = at;
      at++;
      if (depth !== wantedDepth) {
        if (this.#isRegular && find(this.#wanted, bytes, nameFrom, nameTo) !== undefined)
          this.#isRegular = bytes[at] !== colon;
        continue;
      }
      while (at < end && (bytes[at] ?? 0) <= space) at++;
      if (bytes[at] !== colon) continue;
      at++;
      const found = find(wanted, bytes, nameFrom, nameTo);
      if (found === undefined) continue;
      while (at < end && (bytes[at] ?? 0) <= space) at++;
      if (found.index === -1) {
        if (bytes[at] !== openBrace) continue;
        wanted = found.inside;
        wantedDepth++;
        continue;
      }
      this.#note(found.index, nameFrom - 1, from, end);
      at = this.#take(found.index, bytes, at, end);
      if (at === -1) return false;
      if (this.#missing === 0) return true;
    }
    return false;
  }

  #note(index: number, at: number, from: number, to: number): void {
    this.#behindBegin[index] = at - from;
    this.#beforeEnd[index] = to - at;
  }

  /** Looks for each key where the line before had it; whether all are near there. */
  #probe(bytes: Uint8Array, from: number, to: number): boolean {
    for (let which = 0; which < this.#wanted.length; which++) {
      const wanted = this.#wanted[which];
      if (wanted === undefined) return false;
      const { index, name } = wanted;
      const behindBegin = this.#behindBegin[index] ?? -1;
      if (behindBegin === -1) return false;
      const byBegin = from + behindBegin;
      const byEnd = to - (this.#beforeEnd[index] ?? 0);
      const isFromEnd = this.#fromEnd[index] === 1;
      let at = keyNear(isFromEnd ? byEnd : byBegin, name, bytes, from, to);
      if (at === -1) {
        at = keyNear(isFromEnd ? byBegin : byEnd, name, bytes, from, to);
        if (at === -1) return false;
        this.#fromEnd[index] = isFromEnd ? 0 : 1;
      }
      this.#note(index, at, from, to);
      let value = at + name.length + 3;
      while (value < to && (bytes[value] ?? 0) <= space) value++;
      if (this.#take(index, bytes, value, to) === -1) return false;
    }
    return true;
  }

  /** Notes a value; returns where it ends, or -1. */
  #take(index: number, bytes: Uint8Array, at: number, to: number): number {
    if (!this.has(index)) this.#missing--;
    const first = bytes[at];
    if (first === quote) {
      const end = endOfString(bytes, at + 1, to);
      this.from[index] = at + 1;
      this.to[index] = end;
      return end === -1 ? -1 : end + 1;
    }
    let end = at;
    while (end < to && bytes[end] !== comma && kinds[bytes[end] ?? 0] === plain) end++;
    this.from[index] = first === smallN ? -1 : at;
    // The begin of an object or a list stands for all of it.
    let last = end;
    while (last > at && (bytes[last - 1] ?? 0) <= space) last--;
    this.to[index] = last;
    return end;
  }
}

function wantedOf(keys: readonly { readonly key: string; readonly index: number }[]): Wanted[] {
  const byName = new Map<string, { key: string; index: number }[]>();
  for (const { key, index } of keys) {
    const [name = '', ...rest] = key.split('/');
    byName.set(name, [...(byName.get(name) ?? []), { key: rest.join('/'), index }]);
  }
  return [...byName].map(([name, inside]) => {
    const own = inside.find(({ key }) => key === '');
    return own === undefined
      ? { name: textBytes(name), index: -1, inside: wantedOf(inside) }
      : { name: textBytes(name), index: own.index, inside: [] };
  });
}

function find(
  wanted: readonly Wanted[],
  bytes: Uint8Array,
  from: number,
  to: number,
): Wanted | undefined {
  const length = to - from;
  for (let index = 0; index < wanted.length; index++) {
    const one = wanted[index];
    if (one === undefined || one.name.length !== length) continue;
    let same = 0;
    while (same < length && one.name[same] === bytes[from + same]) same++;
    if (same === length) return one;
  }
  return undefined;
}

/** Where the key of that name begins that is nearest to `expected`, or -1. */
function keyNear(
  expected: number,
  name: Uint8Array,
  bytes: Uint8Array,
  from: number,
  to: number,
): number {
  for (let move = 0; move <= maxMove; move++) {
    if (isKey(bytes, expected + move, from, to, name)) return expected + move;
    if (isKey(bytes, expected - move, from, to, name)) return expected - move;
  }
  return -1;
}

/** `{"name":` or `,"name":`, of which `at` is the first quote. */
function isKey(bytes: Uint8Array, at: number, from: number, to: number, name: Uint8Array): boolean {
  if (bytes[at] !== quote || at <= from || at + name.length + 3 >= to) return false;
  const before = bytes[at - 1];
  if (before !== comma && before !== openBrace && before !== space) return false;
  for (let index = 0; index < name.length; index++)
    if (bytes[at + 1 + index] !== name[index]) return false;
  return bytes[at + 1 + name.length] === quote && bytes[at + 2 + name.length] === colon;
}

/** The index of the quote that ends a string, or -1. */
function endOfString(bytes: Uint8Array, from: number, to: number): number {
  for (let at = from; at < to; at++) {
    const byte = bytes[at];
    if (byte === quote) return at;
    if (byte === backslash) at++;
  }
  return -1;
}
