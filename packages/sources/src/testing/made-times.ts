/** Times of made requests, as programs write them: cut and not rounded. */
import type { LogOptions } from '../plan.ts';
import { type MadeRequest, nsPerMs } from './made-request.ts';

/** Since the epoch, or a duration. */
export interface Time {
  readonly ms: number;
  /** Beyond them. */
  readonly ns: number;
}

export function endOf({ startMs, startNs, durationMs, durationNs }: MadeRequest): Time {
  const ns = startNs + durationNs;
  return { ms: startMs + durationMs + Math.floor(ns / nsPerMs), ns: ns % nsPerMs };
}

/** So many digits of a second. */
export function fraction({ ms, ns }: Time, digits: number): string {
  return `${String(ms % 1_000).padStart(3, '0')}${String(ns).padStart(6, '0')}`.slice(0, digits);
}

export const wholeSeconds = ({ ms }: Time): number => Math.floor(ms / 1_000);
export const seconds = (time: Time, digits: number): string =>
  `${wholeSeconds(time)}.${fraction(time, digits)}`;
/** As a number: without zeros at its end. */
export const shortSeconds = (time: Time, digits: number): string =>
  seconds(time, digits).replace(/\.?0+$/, '');
export const milliseconds = ({ ms, ns }: Time): string => `${ms}.${String(ns).padStart(6, '0')}`;
export const nanoseconds = (time: Time): string => `${wholeSeconds(time)}${fraction(time, 9)}`;
/** As a number. */
export const shortNanoseconds = (time: Time): string => nanoseconds(time).replace(/^0+(?=\d)/, '');
export const dateAndTime = ({ ms }: Time): string => new Date(ms).toISOString().slice(0, 19);
export const iso = (time: Time, digits: number): string =>
  `${dateAndTime(time)}${digits === 0 ? '' : '.'}${fraction(time, digits)}Z`;

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
export function clf(time: Time): string {
  const [date = '', clock = ''] = dateAndTime(time).split('T');
  const [year, month, day] = date.split('-');
  return `${day}/${months[Number(month) - 1]}/${year}:${clock}`;
}

/** As C's ctime(3). */
export function ctime({ ms }: Time): string {
  const [day, date, month, year, clock] = new Date(ms).toUTCString().replace(',', '').split(' ');
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${clock} ${year}`;
}

/** What a clock of so many digits shows. */
function shown({ ms, ns }: Time, digits: number): Time {
  const text = fraction({ ms, ns }, digits).padEnd(9, '0');
  return {
    ms: Math.floor(ms / 1_000) * 1_000 + Number(text.slice(0, 3)),
    ns: Number(text.slice(3)),
  };
}

/** The moment that is counted, as a log has it. */
type Counted = (times: {
  readonly start: Time;
  readonly end: Time;
  readonly duration: Time;
}) => Time;

export const byStart =
  (digits: number): Counted =>
  ({ start }) =>
    shown(start, digits);

export const byEnd =
  (digits: number): Counted =>
  ({ end }) =>
    shown(end, digits);

/** The end less the duration, both as the log has them. */
export const byDifference =
  (digits: number, durationDigits: number): Counted =>
  ({ end, duration }) => {
    const [to, length] = [shown(end, digits), shown(duration, durationDigits)];
    const ns = to.ns - length.ns;
    return { ms: to.ms - length.ms - (ns < 0 ? 1 : 0), ns: (ns + nsPerMs) % nsPerMs };
  };

/** A request, and a line that a program writes of it. */
export interface Written extends MadeRequest {
  readonly start: Time;
  readonly end: Time;
  readonly duration: Time;
  /** From 0. */
  readonly index: number;
}

/** What the log of a program looks like. */
export interface Made {
  /** The format as which it is read, if it has another name. */
  readonly format?: string;
  readonly wrapper?: string;
  /** What the user has to say of it. */
  readonly options?: LogOptions;
  /** Lines before the first request. */
  readonly header?: readonly string[];
  /** Lines here and there that are no requests; `next` is the index of the request behind them. */
  readonly others?: (next: number) => readonly string[];
  readonly counted: Counted;
  /** The line of a request, or several. */
  readonly line: (written: Written) => string;
  /** Matches every line that leaves the lines behind it alone; undefined if all do. */
  readonly alone?: RegExp;
}

/** Here and there, a blank, a truncated and a foreign line stand between those of requests. */
export const othersEvery = 1_000;
