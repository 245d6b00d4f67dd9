/**
 * Finds the values of a few keys of a JSON object in the bytes of its line, without parsing it.
 *
 * A key is a name, or `outer/inner` for one of an object inside. One pass over the bytes: strings
 * are skipped, brackets are counted, and a string before a colon at the wanted depth is a key. The
 * pass ends with the last wanted key, so a line that is damaged behind it is accepted; one that was
 * cut off is not, since its last byte has to close the object.
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

export class JsonFields {
  /** Where each value begins and ends, without its quotes; -1 where the key is absent or null. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly #wanted: readonly Wanted[];
  #missing = 0;

  /** @param keys in the order of `from` and `to` */
  constructor(keys: readonly string[]) {
    this.from = new Int32Array(keys.length).fill(-1);
    this.to = new Int32Array(keys.length);
    this.#wanted = wantedOf(keys.map((key, index) => ({ key, index })));
  }

  has(index: number): boolean {
    return (this.from[index] ?? -1) >= 0;
  }

  /** Whether [from, to) is one object, as far as it was looked at. */
  scan(bytes: Uint8Array, from: number, to: number): boolean {
    let end = to;
    while (end > from && (bytes[end - 1] ?? 0) <= space) end--;
    if (bytes[from] !== openBrace || bytes[end - 1] !== closeBrace) return false;
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
      if (depth !== wantedDepth) continue;
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
      at = this.#take(found.index, bytes, at, end);
      if (at === -1) return false;
      if (this.#missing === 0) return true;
    }
    return false;
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

/** The index of the quote that ends a string, or -1. */
function endOfString(bytes: Uint8Array, from: number, to: number): number {
  for (let at = from; at < to; at++) {
    const byte = bytes[at];
    if (byte === quote) return at;
    if (byte === backslash) at++;
  }
  return -1;
}
