/**
 * nginx, a text format with `$msec` and possibly `$request_time`:
 *
 *     client - user [time] "request" status bytes "referer" "agent" … $msec … $request_time …
 *
 * `$msec` is when the line was written, the end, in seconds with three decimals. It stands behind
 * the last field with blanks, in front of all others, or in the bracket. Its place is learnt from a
 * line, and so is that of `$request_time`: a field with that label (`rt=`, `request_time=`), or else
 * the only bare number with three decimals. Two of those could be `$request_time` and
 * `$upstream_response_time` in either order, so neither is used, and only the end is known.
 */
import { digitAt, dot, indexOf, openBracket, quote, space } from '../bytes.ts';
import type { LineParser, LogFormat, Reason, Stamp } from '../format.ts';
import { type Instant, unitDigits } from '../time/instant.ts';
import { describeClf, digitsOf, type Field, fieldBefore, withoutLabel } from './clf.ts';

const msecLength = '1700000000.123'.length;
const requestTimeDigits = 3;
const requestAt = '[28/May/2016:11:11:11 +0000] '.length;
/** Formats with more fields behind the user agent are rare. */
const maxTailFields = 24;

/** The place of a field: the n-th from the end, or in front. */
type Place = number | 'front' | 'bracket' | undefined;

class NginxParser implements LineParser {
  #msec: Place;
  #requestTime: number | undefined;
  /** Some line had a `$request_time`. */
  #hasRequestTime = false;
  readonly #field: Field = { from: 0, to: 0 };
  readonly describe = describeClf;

  parse(bytes: Uint8Array, from: number, to: number, stamp: Stamp): Reason | undefined {
    if (!this.#isRequest(bytes, from, to)) return 'no request of this format';
    if (!this.#read(bytes, from, to, stamp)) {
      this.#learn(bytes, from, to);
      const isRead = this.#read(bytes, from, to, stamp);
      // A damaged line, perhaps: the next one teaches the place of `$request_time` again.
      if (this.#requestTime !== undefined) this.#hasRequestTime = true;
      else if (this.#hasRequestTime) this.#msec = undefined;
      if (!isRead) return 'no time that can be read';
    }
    return undefined;
  }

  /** A bracket, and a quoted request behind it: what notices and cut lines lack. */
  #isRequest(bytes: Uint8Array, from: number, to: number): boolean {
    const bracket = indexOf(bytes, openBracket, from, to);
    // Where $time_local stands in it, the request is at a fixed distance.
    if (bracket !== -1 && bracket + requestAt < to && bytes[bracket + requestAt] === quote)
      return true;
    return indexOf(bytes, quote, bracket === -1 ? from : bracket, to) !== -1;
  }

  #read(bytes: Uint8Array, from: number, to: number, stamp: Stamp): boolean {
    const msec = this.#msec;
    if (msec === undefined) return false;
    const { time, duration } = stamp;
    if (msec === 'front') {
      if (!readMsec(bytes, from, from + msecLength, to, time)) return false;
    } else if (msec === 'bracket') {
      const at = indexOf(bytes, openBracket, from, to) + 1;
      if (at === 0 || !readMsec(bytes, at, at + msecLength, to, time)) return false;
    }
    stamp.hasDuration = false;
    // The usual place, at the end.
    if (msec === 0 && this.#requestTime === undefined && bytes[to - msecLength - 1] === space)
      return readMsec(bytes, to - msecLength, to, to, time);
    const last = Math.max(typeof msec === 'number' ? msec : -1, this.#requestTime ?? -1);
    let end = to;
    for (let index = 0; index <= last; index++) {
      end = fieldBefore(bytes, from, end, this.#field);
      if (end === -1) return false;
      if (index === msec) {
        withoutLabel(bytes, this.#field);
        if (!readMsec(bytes, this.#field.from, this.#field.to, to, time)) return false;
      } else if (index === this.#requestTime) {
        withoutLabel(bytes, this.#field);
        const { from: first, to: behind } = this.#field;
        const isNumber = duration.readDecimal(bytes, first, behind, unitDigits.s);
        // Or a damaged line has taught its place, or this is one.
        if (!isNumber || duration.digits !== requestTimeDigits) return false;
        stamp.hasDuration = true;
      }
    }
    return true;
  }

  #learn(bytes: Uint8Array, from: number, to: number): void {
    this.#msec = undefined;
    this.#requestTime = undefined;
    const field: Field = { from: 0, to: 0 };
    const bare: number[] = [];
    let end = to;
    for (let index = 0; index < maxTailFields; index++) {
      const fieldEnd = end;
      end = fieldBefore(bytes, from, end, field);
      if (end === -1) break;
      const begin = field.from;
      withoutLabel(bytes, field);
      const label = Buffer.from(bytes.subarray(begin, field.from)).toString('latin1');
      const digits = digitsOf(bytes, field.from, field.to);
      if (digits?.fraction === 3) {
        if (digits.whole === 10) this.#msec ??= index;
        else if (/^"?(?:request_?time|req_?time|rt)[=:]/i.test(label)) this.#requestTime = index;
        else if (label === '') bare.push(index);
      }
      // A field with blanks: what stands before it is no tail.
      if (fieldEnd - end > 0 && indexOf(bytes, space, begin, field.to) !== -1) break;
    }
    if (bare.length === 1) this.#requestTime ??= bare[0];
    if (this.#msec !== undefined) return;
    if (isMsec(bytes, from, to)) this.#msec = 'front';
    else if (isMsec(bytes, indexOf(bytes, openBracket, from, to) + 1, to)) this.#msec = 'bracket';
  }
}

function isMsec(bytes: Uint8Array, from: number, to: number): boolean {
  if (from + msecLength > to) return false;
  const digits = digitsOf(bytes, from, from + msecLength);
  return digits?.whole === 10 && digits.fraction === 3;
}

/** Ten digits, a point, three digits. The hottest function of all, so in one pass. */
function readMsec(
  bytes: Uint8Array,
  from: number,
  end: number,
  to: number,
  into: Instant,
): boolean {
  if (end - from !== msecLength || end > to || bytes[end - 4] !== dot) return false;
  let seconds = 0;
  let largest = 0;
  for (let at = from; at < end - 4; at++) {
    const digit = digitAt(bytes, at);
    if (digit > largest) largest = digit;
    seconds = seconds * 10 + digit;
  }
  const [hundreds, tens, ones] = [
    digitAt(bytes, end - 3),
    digitAt(bytes, end - 2),
    digitAt(bytes, end - 1),
  ];
  if (largest > 9 || hundreds > 9 || tens > 9 || ones > 9) return false;
  into.ms = seconds * 1_000 + hundreds * 100 + tens * 10 + ones;
  into.ns = 0;
  into.digits = 3;
  return true;
}

export const nginx: LogFormat = {
  name: 'nginx',
  title: 'nginx, text with $msec',
  example:
    '192.0.2.7 - - [28/May/2016:11:11:11 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8.5.0" 1464433871.123 0.004',
  resolution: '1 ms',
  moment: 'end',
  parser: () => new NginxParser(),
};
