/**
 * Lines in the manner of NCSA's common log format, as far as counting needs them:
 *
 *     … [DD/Mon/YYYY:HH:MM:SS ±hhmm] … "request" … tail
 *
 * The bracket may also hold ISO 8601 (nginx `$time_iso8601`) or a time without a zone; in lines that
 * begin with quotes, these may replace it. Anything may precede it (client, identity, user, virtual
 * host). The tail is what follows the last field that may contain blanks, so its fields are found
 * from the end of the line.
 */
import {
  backslash,
  closeBracket,
  colon,
  comma,
  digitAt,
  dot,
  equals,
  indexOf,
  openBracket,
  quote,
  space,
} from '../bytes.ts';
import { isAddress, isRequestLine, type Request } from '../request.ts';
import type { Instant } from '../time/instant.ts';
import { utc, type Zone } from '../time/zone.ts';

const shortestDate = 'YYYY-MM-DDTHH:MM:SS'.length;
const longestDate = 'DD/Mon/YYYY:HH:MM:SS.123456789 +01:00'.length;

/**
 * Reads the first bracket with a date, such as `[29/Feb/2024:23:59:59 +0000]`.
 * @returns the index behind the bracket; -1 without one
 */
export function readBracketDate(
  bytes: Uint8Array,
  from: number,
  to: number,
  into: Instant,
  zone: Zone = utc,
): number {
  const last = to - shortestDate - 1;
  const isQuoted = bytes[from] === quote;
  for (let at = from; at < last; at++) {
    if (bytes[at] !== openBracket && !(isQuoted && opensField(bytes, at, from))) continue;
    const end = dateEnd(bytes, at, to);
    if (end === -1) continue;
    if (into.readClf(bytes, at + 1, end, zone)) return end + 1;
    // Envoy's lines begin with ISO 8601 in a bracket.
    if (at > from && into.readIso(bytes, at + 1, end, zone)) return end + 1;
  }
  return -1;
}

/** Whether a quoted field begins, between blanks or commas. */
function opensField(bytes: Uint8Array, at: number, from: number): boolean {
  if (bytes[at] !== quote) return false;
  return at === from || bytes[at - 1] === space || bytes[at - 1] === comma;
}

/** Where the bracket or quote that opens at `at` closes, if it can hold a date; or -1. */
function dateEnd(bytes: Uint8Array, at: number, to: number): number {
  const close = bytes[at] === openBracket ? closeBracket : quote;
  return indexOf(bytes, close, at + shortestDate + 1, Math.min(to, at + longestDate + 2));
}

/** Whether a quoted field begins behind the bracket, as the request usually does. */
export function hasRequest(bytes: Uint8Array, bracketEnd: number, to: number): boolean {
  return bracketEnd + 1 < to && bytes[bracketEnd] === space && bytes[bracketEnd + 1] === quote;
}

/** Where a quoted request line such as `"GET / HTTP/1.1"` begins, at its quote; or -1. */
export function requestLine(bytes: Uint8Array, from: number, to: number): number {
  for (let at = from; at < to; at++)
    if (bytes[at] === quote && bytes[at - 1] !== backslash && isRequestLine(bytes, at + 1, to))
      return at;
  return -1;
}

/**
 * Fills in a request. A virtual host or numbers may precede the client, which is the first address.
 */
export function describeClf(bytes: Uint8Array, from: number, to: number, request: Request): void {
  const start = behindDate(bytes, from, to);
  const first = indexOf(bytes, quote, start, to);
  if (first === -1) return;
  if (bytes[from] === quote && isAddress(bytes, from + 1, start - 1))
    request.setClient(bytes, from + 1, start - 1);
  const bracket = indexOf(bytes, openBracket, start + 1, first);
  describeClient(bytes, start, bracket === -1 ? first : bracket, request);
  let begin = first;
  let end = endOfQuoted(bytes, begin + 1, to);
  // Other quoted fields may precede the request.
  while (end !== -1 && !request.setLine(bytes, begin + 1, end)) {
    begin = indexOf(bytes, quote, end + 1, to);
    end = begin === -1 ? -1 : endOfQuoted(bytes, begin + 1, to);
  }
  // A request that is not HTTP has a status as well.
  if (end === -1) end = endOfQuoted(bytes, first + 1, to);
  if (end === -1 || bytes[end + 1] !== space) return;
  let statusEnd = end + 2;
  while (statusEnd < to && digitAt(bytes, statusEnd) <= 9) statusEnd++;
  request.setStatus(bytes, end + 2, statusEnd);
  if (!request.takesAgent) return;
  const referer = indexOf(bytes, quote, end + 1, to);
  const refererEnd = referer === -1 ? -1 : endOfQuoted(bytes, referer + 1, to);
  if (refererEnd === -1 || bytes[refererEnd + 2] !== quote) return;
  const agentEnd = endOfQuoted(bytes, refererEnd + 3, to);
  if (agentEnd !== -1) request.agent.set(bytes, refererEnd + 3, agentEnd);
}

/** Behind a bracket or quotes that a line begins with, for its date or its client. */
function behindDate(bytes: Uint8Array, from: number, to: number): number {
  const open = bytes[from];
  if (open !== openBracket && open !== quote) return from;
  const end = indexOf(bytes, open === quote ? quote : closeBracket, from + 1, to);
  return end === -1 ? from : end + 1;
}

function describeClient(bytes: Uint8Array, from: number, to: number, request: Request): void {
  let fields = 0;
  let firstFrom = from;
  let firstEnd = from;
  for (let at = from; at < to; ) {
    const blank = indexOf(bytes, space, at, to);
    const end = blank === -1 ? to : blank;
    if (isAddress(bytes, at, end)) {
      request.setClient(bytes, at, end);
      if (fields === 1 && isName(bytes, firstFrom, firstEnd))
        request.host.set(bytes, firstFrom, firstEnd);
      return;
    }
    if (end > at && fields++ === 0) {
      firstFrom = at;
      firstEnd = end;
    }
    at = end + 1;
  }
  if (isName(bytes, firstFrom, firstEnd)) request.client.set(bytes, firstFrom, firstEnd);
}

/** Whether a field may be a host: it has a letter, no bracket in front and no label. */
function isName(bytes: Uint8Array, from: number, to: number): boolean {
  if (bytes[from] === openBracket || indexOf(bytes, equals, from, to) !== -1) return false;
  for (let at = from; at < to; at++) if (((bytes[at] ?? 0) & 0x40) !== 0) return true;
  return false;
}

/** The index of the quote that ends a field whose text begins at `from`, or -1. */
export function endOfQuoted(bytes: Uint8Array, from: number, to: number): number {
  for (let at = from; at < to; at++) {
    const byte = bytes[at];
    if (byte === quote) return at;
    if (byte === backslash) at++;
  }
  return -1;
}

/** A field of a line, without its quotes. Reused. */
export interface Field {
  from: number;
  to: number;
}

/**
 * The field that ends at `end`: quoted, or without a blank.
 * @returns where the field before it ends, or -1
 */
export function fieldBefore(bytes: Uint8Array, from: number, end: number, into: Field): number {
  let last = end;
  while (last > from && bytes[last - 1] === space) last--;
  if (last === from) return -1;
  let at = last - 1;
  if (bytes[at] === quote) {
    at--;
    while (at >= from && (bytes[at] !== quote || bytes[at - 1] === backslash)) at--;
    into.from = at + 1;
    into.to = last - 1;
    return at < from ? -1 : at;
  }
  while (at >= from && bytes[at] !== space) at--;
  into.from = at + 1;
  into.to = last;
  return at + 1;
}

/** Removes a label, as in `rt=0.005` and `msec:1700000000.123`. */
export function withoutLabel(bytes: Uint8Array, field: Field): void {
  for (let at = field.to - 1; at >= field.from; at--) {
    const byte = bytes[at];
    if (byte !== equals && byte !== colon) continue;
    field.from = bytes[at + 1] === quote ? at + 2 : at + 1;
    return;
  }
}

/** How many digits a number has before and behind its point; undefined for other texts. */
export function digitsOf(
  bytes: Uint8Array,
  from: number,
  to: number,
): { readonly whole: number; readonly fraction: number } | undefined {
  let point = -1;
  for (let at = from; at < to; at++) {
    if (bytes[at] === dot && point === -1) point = at;
    else if (digitAt(bytes, at) > 9) return undefined;
  }
  if (from === to) return undefined;
  return point === -1
    ? { whole: to - from, fraction: 0 }
    : { whole: point - from, fraction: to - point - 1 };
}
