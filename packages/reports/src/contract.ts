/**
 * The report contract: what somebody writes to have something other than the number of messages
 * computed. Public API, as `reto3/report`; docs/reports.md shows it from nothing.
 *
 * A report is a commutative monoid of accumulators over messages. Workers fill one accumulator for
 * each window and hand it on every flush interval, the coordinator merges and stores them; a
 * cluster and a replay do the same. That is right in whatever order and grouping the parts arrive,
 * as long as the laws hold that `checkLaws` checks.
 */
import { type PeriodName, periodNames, periods as periodTable } from '@reto3/core';

/**
 * One counted message. In a replay its fields are read from the archive when they are asked for: take
 * those that you need, `{ ...message }` copies none of them.
 */
export interface Message {
  /** When it was counted: epoch ms, a whole number, by the server's clock. */
  readonly arrivedMs: number;
  /** The thread that took it, from 0. */
  readonly worker: number;
  /** As it came, such as `POST`. */
  readonly method: string;
  /** Without the query, such as `/`. */
  readonly path: string;
  /** What stands behind the `?`; empty where nothing does. */
  readonly query: string;
  /**
   * The body, at most its first 64 KiB; empty where the report needs the head only. Valid while
   * `add` runs: copy what is to be kept.
   */
  readonly body: Uint8Array;
  /** How many bytes the whole body had; 0 where the report needs the head only. */
  readonly bodyBytes: number;
}

/** A cell of a row. Numbers are finite; null: there is nothing to say. */
export type Value = number | string | null;

/** One row of a window, column by column. */
export type ReportRow<Column extends string = string> = { readonly [name in Column]: Value };

/** What is given to `defineReport`. */
export interface ReportDefinition<Accumulator, Column extends string> {
  /** 1 to 32 lower-case letters, digits and hyphens, a letter first. What is stored lies under it. */
  readonly name: string;
  /** One sentence: what it tells. */
  readonly summary: string;
  /** Whether it looks at the body. If no report does, no body is ever waited for or read. */
  readonly needs: 'head' | 'body';
  /** The windows that are kept; by default `sec` and `min`. The shortest is what workers fill. */
  readonly periods?: readonly PeriodName[];
  /** The columns of a row, in order: name → what it tells. */
  readonly columns: Readonly<Record<Column, string>>;
  /** The accumulator of no messages. */
  create(): Accumulator;
  /**
   * Adds one message to the accumulator. Called once for each counted message.
   * @param displaced true where this is the window of its arrival, although `timeOf` named another:
   * one more than 30 days before or a minute after, or one too many
   */
  add(accumulator: Accumulator, message: Message, displaced?: boolean): void;
  /**
   * What both hold together. May change and return the first, or make a new one; must leave the
   * second as it is and return no part of it.
   */
  merge(accumulator: Accumulator, other: Accumulator): Accumulator;
  /** The rows of one window; none, one or several. */
  rows(accumulator: Accumulator): readonly ReportRow<Column>[];
  /** Bytes of an accumulator, at most 64 KiB; by default its JSON. */
  encode?(accumulator: Accumulator): Uint8Array;
  /** The inverse of `encode`. */
  decode?(bytes: Uint8Array): Accumulator;
  /**
   * The time whose window a message belongs to, epoch ms; undefined, and by default: its arrival.
   * Believed from 30 days before its arrival to a minute after.
   */
  timeOf?(message: Message): number | undefined;
  /**
   * For a report whose accumulators depend on the order of things within a stated error: whether
   * this accumulator is a right answer for these messages.
   */
  agrees?(accumulator: Accumulator, messages: readonly Message[]): boolean;
}

/** A report as it runs: a definition with nothing left open. */
export type Report<Accumulator = unknown, Column extends string = string> = Required<
  Omit<ReportDefinition<Accumulator, Column>, 'timeOf' | 'agrees'>
> &
  Pick<ReportDefinition<Accumulator, Column>, 'timeOf' | 'agrees'>;

/** Encoded accumulators may have so many bytes: many windows of many reports lie in one write. */
export const mostAccumulatorBytes = 64 << 10;

function encodeJson(accumulator: unknown): Uint8Array {
  const json: string | undefined = JSON.stringify(accumulator);
  if (json === undefined)
    throw new TypeError(`an accumulator is ${typeof accumulator}, want what JSON can say`);
  return Buffer.from(json);
}

/**
 * Makes a report of its definition, with the defaults filled in.
 * @throws TypeError that names what was got and what is wanted
 */
export function defineReport<Accumulator, Column extends string>(
  definition: ReportDefinition<Accumulator, Column>,
): Report<Accumulator, Column> {
  assertDefinition(definition);
  const { periods = ['sec', 'min'] } = definition;
  const shortestFirst = periodNames.filter((name) => periods.includes(name));
  return {
    encode: encodeJson,
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
    ...definition,
    periods: shortestFirst,
  };
}

/** What a report may be called. */
export const reportName = /^[a-z][a-z0-9-]{0,31}$/;

const functions = ['create', 'add', 'merge', 'rows'] as const;
const optionalFunctions = ['encode', 'decode', 'timeOf', 'agrees'] as const;

/** @throws TypeError where it is no definition of a report */
export function assertDefinition(
  given: unknown,
): asserts given is ReportDefinition<unknown, string> {
  if (typeof given !== 'object' || given === null)
    throw new TypeError(`got ${typeof given}, want an object made with defineReport`);
  const definition: Readonly<Record<string, unknown>> = { ...given };
  const { name, summary, needs, periods, columns } = definition;
  const got = (field: string): string => `got ${field} ${JSON.stringify(definition[field])}`;
  if (typeof name !== 'string' || !reportName.test(name))
    throw new TypeError(
      `${got('name')}, want 1 to 32 lower-case letters, digits and hyphens, a letter first`,
    );
  const wrong = (text: string): TypeError => new TypeError(`report "${name}": ${text}`);
  if (typeof summary !== 'string' || summary.trim() === '')
    throw wrong(`${got('summary')}, want one sentence`);
  if (needs !== 'head' && needs !== 'body') throw wrong(`${got('needs')}, want "head" or "body"`);
  if (periods !== undefined && !isPeriods(periods))
    throw wrong(`${got('periods')}, want some of ${periodNames.join(', ')}`);
  if (!isColumns(columns))
    throw wrong(`${got('columns')}, want names in lower case with what each tells`);
  for (const field of functions)
    if (typeof definition[field] !== 'function') throw wrong(`${got(field)}, want a function`);
  for (const field of optionalFunctions)
    if (definition[field] !== undefined && typeof definition[field] !== 'function')
      throw wrong(`${got(field)}, want a function, or nothing`);
  if ((definition['encode'] === undefined) !== (definition['decode'] === undefined))
    throw wrong('got one of encode and decode, want both or neither');
}

export function isPeriods(given: unknown): given is PeriodName[] {
  return (
    Array.isArray(given) && given.length > 0 && given.every((name) => periodNames.includes(name))
  );
}

export function isColumns(given: unknown): given is Record<string, string> {
  if (typeof given !== 'object' || given === null) return false;
  const columns = Object.entries(given);
  return (
    columns.length > 0 &&
    columns.every(
      ([name, tells]) =>
        /^[a-z][A-Za-z0-9_]{0,31}$/.test(name) && name !== 'start' && typeof tells === 'string',
    )
  );
}

/** The shortest period of a report: the one that workers fill. */
export function shortestPeriod(report: Report): (typeof periodTable)[PeriodName] {
  const [name] = report.periods;
  if (name === undefined) throw new Error('BUG: a report without a period');
  return periodTable[name];
}
