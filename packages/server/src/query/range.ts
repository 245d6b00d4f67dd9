/**
 * What was asked for, as times: `last`, `from`, `to` and `open` become a half-open range of window
 * starts.
 */
import { Reto3Error } from '../errors.ts';
import { alignDown, alignUp, type Period } from '../period.ts';

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
 * Reads a point in time: ISO 8601 (UTC where it names no zone), epoch milliseconds, or an age
 * before `nowMs`.
 * @returns epoch ms, a whole number
 * @throws Reto3Error RETO3_BAD_TIME
 */
export function parseTime(name: string, text: string, nowMs: number): number {
  const age = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (age?.[1] !== undefined && age[2] !== undefined) {
    const time = Math.round(nowMs - Number(age[1]) * (unitMs[age[2]] ?? Number.NaN));
    if (time >= 0) return time;
  } else if (/^(?:0|\d{5,15})$/.test(text)) {
    // One to four digits are a year, or a number whose unit was forgotten.
    const time = Number(text);
    if (time <= endOfTimeMs) return time;
  } else {
    const time = parseIso(text);
    if (time >= 0) return time;
  }
  throw new Reto3Error(
    'RETO3_BAD_TIME',
    `got ${name} "${text}", want ISO 8601, epoch milliseconds, or an age such as 90s, 5m, 2h, 1d`,
  );
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
    throw new Reto3Error('RETO3_BAD_RANGE', 'got last and from together, want one of them');
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
