/**
 * What was asked for, as times: `last`, `from`, `to` and `open` become a half-open range of window
 * starts.
 */
import { Reto3Error } from './errors.ts';
import { alignDown, alignUp, type Period } from './period.ts';

/** As users write it: text, as it comes from a flag or a query string. */
export interface RangeRequest {
  readonly last?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly open?: boolean | undefined;
}

/** Windows that start in [from, to), epoch ms; with `last`, only the newest so many of them. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly last: number | undefined;
}

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** The last day that ISO 8601 writes with four digits of year. */
const endOfTimeMs = Date.UTC(9999, 11, 31);

/**
 * Reads a point in time: ISO 8601 (UTC where it names no zone), epoch seconds or milliseconds, or an
 * age before `nowMs`.
 * @returns epoch ms, a whole number
 * @throws Reto3Error RETO3_BAD_TIME
 */
export function parseTime(name: string, text: string, nowMs: number): number {
  const age = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (age?.[1] !== undefined && age[2] !== undefined) {
    const time = Math.round(nowMs - Number(age[1]) * (unitMs[age[2]] ?? Number.NaN));
    if (time >= 0) return time;
  } else if (/^\d+$/.test(text)) {
    const time = parseEpoch(text);
    if (time !== undefined) return time;
    throw new Reto3Error(
      'RETO3_BAD_TIME',
      `got ${name} "${text}", want 10 digits of epoch seconds or 13 of milliseconds`,
      { hint: 'write a date as 2016-05-28; 0 is the beginning' },
    );
  } else {
    const time = parseIso(text);
    if (time >= 0) return time;
  }
  throw new Reto3Error('RETO3_BAD_TIME', `got ${name} "${text}", want a time`);
}

/** As milliseconds the year 1976 or 2600, and surely meant as YYYYMMDDhhmm or YYYYMMDDhhmmss. */
const compactTime = /^(?:19|20)\d{10}(?:\d{2})?$/;

/**
 * Epoch ms of a whole number; undefined where its unit is in doubt. Ten digits are seconds from 2001
 * until 2286, and would be January to April 1970 as milliseconds; twelve and more are milliseconds
 * from 1973 on. With any other number of digits it is neither: a year, a date without its dashes,
 * microseconds, or a digit too few.
 */
function parseEpoch(text: string): number | undefined {
  if (text === '0') return 0;
  if (/^[1-9]\d{9}$/.test(text)) return Number(text) * 1_000;
  const isMs = /^[1-9]\d{11,14}$/.test(text) && !compactTime.test(text);
  return isMs && Number(text) <= endOfTimeMs ? Number(text) : undefined;
}

const isoTime =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i;

/** Epoch ms of an ISO 8601 date, or date and time; NaN where it is none. */
function parseIso(text: string): number {
  const [, day = '', timeOfDay = '00:00', zone = 'Z'] = isoTime.exec(text) ?? [];
  // ECMAScript takes a 30 February for the first of March, and a time without a zone for local
  // time; here it is UTC, as in everything we print.
  if (new Date(`${day}T00:00Z`).getUTCDate() !== Number(day.slice(-2))) return Number.NaN;
  return Date.parse(`${day}T${timeOfDay}${zone}`);
}

/** @throws Reto3Error RETO3_BAD_RANGE */
function parseLast(text: string): number {
  const last = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (last < 1)
    throw new Reto3Error('RETO3_BAD_RANGE', `got last "${text}", want a whole number from 1`, {
      hint: 'say how many of the newest windows, such as 100',
    });
  return last;
}

/**
 * @param nowMs what ages count back from, epoch ms
 * @param ends where final windows end, and where the counted ones do, epoch ms
 * @throws Reto3Error RETO3_BAD_TIME, RETO3_BAD_RANGE
 */
export function resolveRange(
  period: Period,
  request: RangeRequest,
  nowMs: number,
  ends: { readonly finalThrough: number; readonly newestEnd: number },
): Range {
  if (request.last !== undefined && request.from !== undefined) {
    throw new Reto3Error('RETO3_BAD_RANGE', 'got last and from together', {
      hint: 'leave one of them out; last goes together with to',
    });
  }
  const limit =
    request.open === true
      ? alignUp(ends.newestEnd, period.windowMs)
      : alignDown(ends.finalThrough, period.windowMs);
  const askedFrom = request.from === undefined ? 0 : parseTime('from', request.from, nowMs);
  const askedTo = request.to === undefined ? limit : parseTime('to', request.to, nowMs);
  if (request.from !== undefined && request.to !== undefined && askedFrom >= askedTo) {
    throw new Reto3Error(
      'RETO3_BAD_RANGE',
      `got from "${request.from}" not before to "${request.to}"`,
      { hint: 'exchange them, or let to be later: an age counts back from now' },
    );
  }
  const last =
    request.last !== undefined
      ? parseLast(request.last)
      : request.from === undefined
        ? period.defaultLast
        : undefined;
  const from = alignUp(askedFrom, period.windowMs);
  // A range that lies wholly in the future is empty, not backwards.
  return { from, to: Math.max(from, Math.min(alignUp(askedTo, period.windowMs), limit)), last };
}
