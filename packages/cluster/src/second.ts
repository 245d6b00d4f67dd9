/**
 * One second of one node: its 100 ms10 windows as a few bytes. They are the same on the wire and in a
 * merger's store, so a merger need not decode them. docs/format.md draws them.
 *
 *     form · [bitmap counted] · 100 counts, each 0, 1, 2 or 4 bytes wide
 *
 * With widths that are powers of two, adding up the seconds of a thousand nodes is one loop over
 * bytes. A second is sent several times while it is open, so deflate costs more than it saves.
 */
import { min, ms10PerSecond, sec, type Windows } from '@reto3/core';

/** `form` has the width of a count in its lowest bits, and whether the bitmap follows. */
const widthMask = 7;
const flagGaps = 8;
const formBytes = 1;
const bitmapBytes = Math.ceil(ms10PerSecond / 8);
/** The longest that a packed second can be. */
export const mostSecondBytes = formBytes + bitmapBytes + 4 * ms10PerSecond;

/** The most messages in one ms10 window of one node: the ring's own counters have 32 bits. */
const mostCount = 2 ** 32 - 1;

/** So many nodes may add up in one day, far more than any cluster has. */
export const mostNodes = 4_096;
/**
 * The most messages of one node in one second, more than any machine answers. A block of minutes holds
 * a day, and the sum of a day of so many from `mostNodes` nodes is still exact (2⁵³ − 1).
 */
export const mostSecondTotal = 25_000_000;
if (mostNodes * mostSecondTotal * (min.blockMs / sec.windowMs) > Number.MAX_SAFE_INTEGER)
  throw new Error('BUG: the sum of a day may be inexact');

/** @throws RangeError for a count that is not a whole number up to 2³² − 1 */
export function packSecond(windows: Windows): Uint8Array {
  const { counts, counted } = windows;
  let largest = 0;
  for (const count of counts) {
    if (!Number.isInteger(count) || count < 0 || count > mostCount)
      throw new RangeError(`got the count ${count}, want a whole number from 0 to ${mostCount}`);
    if (count > largest) largest = count;
  }
  const width = largest === 0 ? 0 : largest < 2 ** 8 ? 1 : largest < 2 ** 16 ? 2 : 4;
  const gaps = counted.includes(0);
  const packed = new Uint8Array(formBytes + (gaps ? bitmapBytes : 0) + width * ms10PerSecond);
  packed[0] = width | (gaps ? flagGaps : 0);
  let at = formBytes;
  if (gaps) {
    for (let window = 0; window < ms10PerSecond; window++) {
      if (counted[window] !== 1) continue;
      const byte = at + (window >> 3);
      packed[byte] = (packed[byte] ?? 0) | (1 << (window & 7));
    }
    at += bitmapBytes;
  }
  for (const count of counts) {
    for (let byte = 0, rest = count; byte < width; byte++, rest = Math.floor(rest / 256))
      packed[at++] = rest % 256;
  }
  return packed;
}

/** The length of a second that begins with this form; undefined if the form is invalid. */
export function packedBytes(form: number): number | undefined {
  const width = form & widthMask;
  if ((form & ~(widthMask | flagGaps)) !== 0 || (width !== 4 && width > 2)) return undefined;
  return formBytes + ((form & flagGaps) === 0 ? 0 : bitmapBytes) + width * ms10PerSecond;
}

/** Whether a packed second counts all its windows. */
function countsAll(packed: Uint8Array): boolean {
  return ((packed[0] ?? 0) & flagGaps) === 0;
}

/** Whether a packed second counts every window that another one counts. */
export function coversSecond(packed: Uint8Array, other: Uint8Array): boolean {
  if (countsAll(packed)) return true;
  if (countsAll(other)) return false;
  for (let byte = formBytes; byte < formBytes + bitmapBytes; byte++)
    if (((other[byte] ?? 0) & ~(packed[byte] ?? 0)) !== 0) return false;
  return true;
}

/**
 * Adds a packed second to the windows that start at `first`, or subtracts it. Then `counted` stays 1,
 * since other nodes may count those windows.
 */
export function addSecond(
  packed: Uint8Array,
  into: Windows,
  first: number,
  sign: 1 | -1 = 1,
): void {
  const { counts, counted } = into;
  const form = packed[0] ?? 0;
  const width = form & widthMask;
  let at = formBytes;
  if (countsAll(packed)) {
    if (sign === 1) counted.fill(1, first, first + ms10PerSecond);
  } else {
    for (let window = 0; sign === 1 && window < ms10PerSecond; window++) {
      if ((((packed[at + (window >> 3)] ?? 0) >> (window & 7)) & 1) === 1)
        counted[first + window] = 1;
    }
    at += bitmapBytes;
  }
  const end = first + ms10PerSecond;
  if (width === 1) {
    for (let window = first; window < end; window++, at++)
      counts[window] = (counts[window] ?? 0) + sign * (packed[at] ?? 0);
  } else if (width > 0) {
    for (let window = first; window < end; window++) {
      let count = 0;
      for (let byte = width - 1; byte >= 0; byte--) count = count * 256 + (packed[at + byte] ?? 0);
      counts[window] = (counts[window] ?? 0) + sign * count;
      at += width;
    }
  }
}

/** The messages in a packed second. */
export function totalOfSecond(packed: Uint8Array): number {
  const form = packed[0] ?? 0;
  const width = form & widthMask;
  const first = formBytes + ((form & flagGaps) === 0 ? 0 : bitmapBytes);
  let total = 0;
  for (let byte = 0, factor = 1; byte < width; byte++, factor *= 256) {
    for (let at = first + byte; at < packed.length; at += width)
      total += (packed[at] ?? 0) * factor;
  }
  return total;
}
