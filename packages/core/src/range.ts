/**
 * Resolves `last`, `from`, `to` and `open`, as flags and query strings have them, to a half-open
 * range of window starts.
 */
import { Reto3Error } from './errors.ts';
import { alignDown, alignUp, type Period } from './period.ts';

/** The range as the user wrote it. */
export interface RangeRequest {
  readonly last?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly open?: boolean | undefined;
}

/** Windows that start in [from, to), epoch ms; with `last`, only the newest ones. */
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

/** The milliseconds in a duration such as `500ms` or `5m`; NaN if the text is no duration. */
export function parseDuration(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text) ?? [];
  // In thousandths, since 2.01 · 1,000 is less than 2,010.
  return (Math.round(Number(digits) * 1_000) * (unitMs[unit] ?? Number.NaN)) / 1_000;
}

/** The last day with a four-digit year in ISO 8601. */
const endOfTimeMs = Date.UTC(9999, 11, 31);

/**
 * Parses a point in time: ISO 8601 (UTC by default), epoch seconds or milliseconds, or an age before
 * `nowMs`.
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
      { hint: 'write a date like 2016-05-28; 0 is the epoch' },
    );
  } else {
    const time = parseIso(text);
    if (time >= 0) return time;
  }
  throw new Reto3Error('RETO3_BAD_TIME', `got ${name} "${text}", want a time`);
}

/**
 * YYYYMMDDhhmm or YYYYMMDDhhmmss. Refused, since it would be read as milliseconds in the year 1976
 * or 2600.
 */
const compactTime = /^(?:19|20)\d{10}(?:\d{2})?$/;

/**
 * Epoch ms of a whole number; undefined if its unit is in doubt. Ten digits are seconds (2001 to
 * 2286), twelve or more are milliseconds (from 1973 on). Anything else is a year, a date without
 * dashes, microseconds, or a typing error.
 */
function parseEpoch(text: string): number | undefined {
  if (text === '0') return 0;
  if (/^[1-9]\d{9}$/.test(text)) return Number(text) * 1_000;
  const isMs = /^[1-9]\d{11,14}$/.test(text) && !compactTime.test(text);
  return isMs && Number(text) <= endOfTimeMs ? Number(text) : undefined;
}

const isoTime =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i;

/** Epoch ms of an ISO 8601 date, or date and time; NaN if it is neither. */
function parseIso(text: string): number {
  const [, day = '', timeOfDay = '00:00', zone = 'Z'] = isoTime.exec(text) ?? [];
  // ECMAScript reads 30 February as 1 March, and a time without a zone as local time.
  if (new Date(`${day}T00:00Z`).getUTCDate() !== Number(day.slice(-2))) return Number.NaN;
  return Date.parse(`${day}T${timeOfDay}${zone}`);
}

/** The ends of a range, epoch ms; undefined if not given. */
interface FromTo {
  readonly from: number | undefined;
  readonly to: number | undefined;
}

/** @throws Reto3Error RETO3_BAD_TIME, RETO3_BAD_RANGE */
export function parseFromTo(
  { from, to }: Pick<RangeRequest, 'from' | 'to'>,
  nowMs: number,
): FromTo {
  const ends = {
    from: from === undefined ? undefined : parseTime('from', from, nowMs),
    to: to === undefined ? undefined : parseTime('to', to, nowMs),
  };
  if (ends.from !== undefined && ends.to !== undefined && ends.from >= ends.to)
    throw new Reto3Error(
      'RETO3_BAD_RANGE',
      `got from "${from}" and to "${to}", want from before to`,
      { hint: 'swap them; an age counts back from now' },
    );
  return ends;
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

/** Where stored windows end, epoch ms. */
interface Ends {
  readonly finalThrough: number;
  /**
   * End of the newest window that the clock can have reached; the limit of a range without `to`.
   */
  readonly newestEnd: number;
  /**
   * End of the newest window of all, even if a clock that was ahead counted it; the limit with
   * `to`.
   */
  readonly countedEnd?: number;
}

/**
 * @param nowMs the time that ages count back from, epoch ms
 * @throws Reto3Error RETO3_BAD_TIME, RETO3_BAD_RANGE
 */
export function resolveRange(
  period: Period,
  request: RangeRequest,
  nowMs: number,
  ends: Ends,
): Range {
  if (request.last !== undefined && request.from !== undefined) {
    throw new Reto3Error('RETO3_BAD_RANGE', 'got last and from together', {
      hint: 'leave one of them out; you may combine last with to',
    });
  }
  const { finalThrough, newestEnd, countedEnd = newestEnd } = ends;
  const openEnd = request.to === undefined ? newestEnd : countedEnd;
  const limit =
    request.open === true
      ? alignUp(openEnd, period.windowMs)
      : alignDown(finalThrough, period.windowMs);
  const { from: askedFrom = 0, to: askedTo = limit } = parseFromTo(request, nowMs);
  const last =
    request.last !== undefined
      ? parseLast(request.last)
      : request.from === undefined
        ? period.defaultLast
        : undefined;
  const from = alignUp(askedFrom, period.windowMs);
  // A range in the future is empty, not reversed.
  return { from, to: Math.max(from, Math.min(alignUp(askedTo, period.windowMs), limit)), last };
}
