/**
 * A time or a duration, read from the bytes of a line in exact integer arithmetic: whole
 * milliseconds, and nanoseconds within the millisecond. 19 digits (ns since the epoch) exceed 2⁵³,
 * so no such number is ever built.
 *
 * Each `read…` returns whether [from, to) is such a text; if not, the values are undefined.
 */
import { colon, comma, digitAt, dot, isText, minus, slash, space, textBytes } from '../bytes.ts';
import type { Zone } from './zone.ts';

/** Digits behind the decimal point of a second, in each unit. */
export const unitDigits = { s: 0, ms: 3, us: 6, ns: 9 } as const;
/** The unit of a number, as digits behind the decimal point of a second. */
export type UnitDigits = (typeof unitDigits)[keyof typeof unitDigits];

const plus = 0x2b;
const zulu = 0x5a;
const timeMark = 0x54;
const utcName = textBytes('UTC');
const gmtName = textBytes('GMT');
const dayMs = 86_400_000;
/** Longer ones are beyond the times of windows. */
const maxMsDigits = 15;
const nsPerMs = 1_000_000;

export class Instant {
  /** Whole milliseconds; for a time, since the epoch. */
  ms = 0;
  /** Nanoseconds in addition, 0 to 999,999. */
  ns = 0;
  /** How many digits of the second the text had. */
  digits = 0;

  /** A decimal number without sign and exponent, such as `1700000000.123`. */
  readDecimal(bytes: Uint8Array, from: number, to: number, unit: UnitDigits): boolean {
    let point = from;
    while (point < to && digitAt(bytes, point) <= 9) point++;
    if (point === from) return false;
    if (point < to && (bytes[point] !== dot || point + 1 === to)) return false;
    const msDigits = point - from + 3 - unit;
    if (msDigits > maxMsDigits) return false;
    let ms = 0;
    let ns = 0;
    // Which digit of the milliseconds comes next; of the nanoseconds from `msDigits` on.
    let place = 0;
    for (let at = from; at < to; at++) {
      if (at === point) continue;
      const digit = digitAt(bytes, at);
      if (digit > 9) return false;
      if (place < msDigits) ms = ms * 10 + digit;
      else if (place < msDigits + 6) ns = ns * 10 + digit;
      place++;
    }
    for (; place < msDigits; place++) ms *= 10;
    for (; place < msDigits + 6; place++) ns *= 10;
    this.ms = ms;
    this.ns = ns;
    this.digits = unit + Math.max(0, to - point - 1);
    return true;
  }

  /** `2024-02-29T23:59:59.123456Z`, also with a blank or slashes; `zone` if it has none. */
  readIso(bytes: Uint8Array, from: number, to: number, zone: Zone): boolean {
    if (to - from < 'YYYY-MM-DDTHH:MM:SS'.length) return false;
    const separator = bytes[from + 4];
    if (separator !== minus && separator !== slash) return false;
    if (bytes[from + 7] !== separator) return false;
    const mark = bytes[from + 10];
    if (mark !== timeMark && mark !== space) return false;
    const year = twoDigits(bytes, from) * 100 + twoDigits(bytes, from + 2);
    const days = daysOf(year, twoDigits(bytes, from + 5), twoDigits(bytes, from + 8));
    return this.#readClock(bytes, from + 11, to, days, zone);
  }

  /** `29/Feb/2024:23:59:59.123 +0100`, as in NCSA, Apache and haproxy; also with a blank. */
  readClf(bytes: Uint8Array, from: number, to: number, zone: Zone): boolean {
    if (to - from < 'DD/Mon/YYYY:HH:MM:SS'.length) return false;
    if (bytes[from + 2] !== slash || bytes[from + 6] !== slash) return false;
    if (bytes[from + 11] !== colon && bytes[from + 11] !== space) return false;
    const year = twoDigits(bytes, from + 7) * 100 + twoDigits(bytes, from + 9);
    const days = daysOf(year, monthAt(bytes, from + 3), twoDigits(bytes, from));
    return this.#readClock(bytes, from + 12, to, days, zone);
  }

  /** `Sun May  8 23:59:59 2016`, as of C's ctime(3). */
  readCtime(bytes: Uint8Array, from: number, to: number, zone: Zone): boolean {
    if (to - from !== 'Www Mmm dd HH:MM:SS YYYY'.length) return false;
    if ([3, 7, 10, 19].some((at) => bytes[from + at] !== space)) return false;
    const ones = digitAt(bytes, from + 9);
    const day = bytes[from + 8] === space ? ones : twoDigits(bytes, from + 8);
    const year = twoDigits(bytes, from + 20) * 100 + twoDigits(bytes, from + 22);
    const days = daysOf(year, monthAt(bytes, from + 4), day);
    return this.#readClock(bytes, from + 11, from + 19, days, zone);
  }

  /** The difference of two times. @returns false if it is negative */
  difference(later: Instant, earlier: Instant): boolean {
    this.ms = later.ms - earlier.ms;
    this.ns = later.ns - earlier.ns;
    if (this.ns < 0) {
      this.ns += nsPerMs;
      this.ms--;
    }
    return this.ms >= 0;
  }

  /** `HH:MM:SS`, a fraction, a zone. */
  #readClock(bytes: Uint8Array, from: number, to: number, days: number, zone: Zone): boolean {
    const hour = twoDigits(bytes, from);
    const minute = twoDigits(bytes, from + 3);
    const second = twoDigits(bytes, from + 6);
    // A leap second counts as the one after it, as in POSIX.
    if (!(days >= 0 && hour < 24 && minute < 60 && second <= 60)) return false;
    if (bytes[from + 2] !== colon || bytes[from + 5] !== colon) return false;
    let at = from + 8;
    let ms = 0;
    let ns = 0;
    let digits = 0;
    if (at < to && (bytes[at] === dot || bytes[at] === comma)) {
      for (at++; at < to; at++) {
        const digit = digitAt(bytes, at);
        if (digit > 9) break;
        if (digits < 3) ms = ms * 10 + digit;
        else if (digits < 9) ns = ns * 10 + digit;
        digits++;
      }
      if (digits === 0) return false;
      for (let place = digits; place < 3; place++) ms *= 10;
      for (let place = Math.max(3, digits); place < 9; place++) ns *= 10;
    }
    const whole = days * dayMs + ((hour * 60 + minute) * 60 + second) * 1_000;
    this.ns = ns;
    this.digits = digits;
    if (at === to) {
      this.ms = zone.toUtc(whole) + ms;
      return true;
    }
    const offset = offsetMinutes(bytes, bytes[at] === space ? at + 1 : at, to);
    this.ms = whole + ms - offset * 60_000;
    return !Number.isNaN(offset);
  }
}

/** Minutes east of Greenwich for `Z`, `UTC`, `GMT`, `+0100` or `+01:00`; NaN for anything else. */
function offsetMinutes(bytes: Uint8Array, at: number, to: number): number {
  const sign = bytes[at];
  if (sign === zulu) return at + 1 === to ? 0 : Number.NaN;
  if (sign !== plus && sign !== minus)
    return isText(bytes, at, to, utcName) || isText(bytes, at, to, gmtName) ? 0 : Number.NaN;
  const minutesAt = bytes[at + 3] === colon ? at + 4 : at + 3;
  if (minutesAt + 2 !== to) return Number.NaN;
  const minutes = twoDigits(bytes, at + 1) * 60 + twoDigits(bytes, minutesAt);
  return sign === minus ? -minutes : minutes;
}

/** NaN unless both are digits. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = digitAt(bytes, at);
  const ones = digitAt(bytes, at + 1);
  return tens > 9 || ones > 9 ? Number.NaN : tens * 10 + ones;
}

const daysInMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Days since the epoch of a Gregorian date; NaN if there is no such date, and negative before the
 * epoch.
 */
export function daysOf(year: number, month: number, day: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const length = (daysInMonth[month - 1] ?? 0) + (month === 2 && isLeap ? 1 : 0);
  if (!(day >= 1 && day <= length)) return Number.NaN;
  // Counted from March, so that the leap day is the last of its year (Hinnant, chrono-Compatible
  // Low-Level Date Algorithms).
  const fromMarch = month > 2 ? month - 3 : month + 9;
  const yearFromMarch = month > 2 ? year : year - 1;
  const leaps =
    Math.floor(yearFromMarch / 4) -
    Math.floor(yearFromMarch / 100) +
    Math.floor(yearFromMarch / 400);
  const dayOfYear = Math.floor((153 * fromMarch + 2) / 5) + day - 1;
  return yearFromMarch * 365 + leaps + dayOfYear - 719_468;
}

/** 1 to 12 for `Jan` to `Dec`; NaN for anything else. */
export function monthAt(bytes: Uint8Array, at: number): number {
  const letters = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
  const index = months.indexOf(letters);
  return index === -1 ? Number.NaN : index + 1;
}

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'
  .split(' ')
  .map((name) => (name.charCodeAt(0) << 16) | (name.charCodeAt(1) << 8) | name.charCodeAt(2));
