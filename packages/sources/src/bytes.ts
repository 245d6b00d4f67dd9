/** Names for the bytes that separate fields, and comparisons that create no strings. */

export const tab = 0x09;
export const lineFeed = 0x0a;
export const carriageReturn = 0x0d;
export const space = 0x20;
export const quote = 0x22;
export const comma = 0x2c;
export const minus = 0x2d;
export const dot = 0x2e;
export const slash = 0x2f;
export const colon = 0x3a;
export const equals = 0x3d;
export const openBracket = 0x5b;
export const backslash = 0x5c;
export const closeBracket = 0x5d;
export const openBrace = 0x7b;
export const closeBrace = 0x7d;
/** UTF-8's, in front of a text. */
export const byteOrderMark = Uint8Array.of(0xef, 0xbb, 0xbf);

/** The digit at an index; above 9 if it is none. */
export function digitAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) - 0x30) >>> 0;
}

/** Whether [from, to) is digits only, at least one. */
export function isWhole(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (digitAt(bytes, at) > 9) return false;
  return from < to;
}

/** Whether [at, to) begins with `text`. */
export function startsWith(bytes: Uint8Array, at: number, to: number, text: Uint8Array): boolean {
  if (at + text.length > to) return false;
  for (let index = 0; index < text.length; index++)
    if (bytes[at + index] !== text[index]) return false;
  return true;
}

/** Whether [from, to) is exactly `text`. */
export function isText(bytes: Uint8Array, from: number, to: number, text: Uint8Array): boolean {
  return to - from === text.length && startsWith(bytes, from, to, text);
}

/** The first index of a byte in [from, to), or -1. */
export function indexOf(bytes: Uint8Array, wanted: number, from: number, to: number): number {
  for (let at = from; at < to; at++) if (bytes[at] === wanted) return at;
  return -1;
}

/** The index behind the first `text` in [from, to), or -1. */
export function indexBehind(bytes: Uint8Array, text: Uint8Array, from: number, to: number): number {
  for (let at = from; at < to; at++)
    if (bytes[at] === text[0] && startsWith(bytes, at, to, text)) return at + text.length;
  return -1;
}

export function textBytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** A copy. A Buffer like all others, since code that meets one kind of object is faster. */
export function copyOf(bytes: Uint8Array, from: number, to: number): Buffer {
  return Buffer.from(bytes.subarray(from, to));
}
