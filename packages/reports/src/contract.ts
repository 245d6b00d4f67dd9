/**
 * The report contract: what you implement to compute something other than the number of messages.
 * Public API, as `reto3/report`; docs/reports.md is a tutorial.
 *
 * A report is a commutative monoid of accumulators over messages. Workers fill one accumulator per
 * window, and the coordinator merges and stores them on each flush; a cluster and a replay do the
 * same. The order and grouping of the parts do not matter, as long as the laws hold that `checkLaws`
 * checks.
 */
import { type PeriodName, periodNames, periods as periodTable } from '@reto3/core';
import { isNeeds, type Need, wantedNeeds } from './needs.ts';

/**
 * One counted message. In a replay its fields are getters that read the archive, so access them by
 * name: `{ ...message }` copies none of them.
 */
export interface Message {
  /** When it was counted, by the server's clock: epoch ms, a whole number. */
  readonly arrivedMs: number;
  /** The worker thread that counted it, from 0. */
  readonly worker: number;
  /** As sent, such as `POST`. */
  readonly method: string;
  /** Without the query, such as `/`. */
  readonly path: string;
  /** The text after the `?`; empty if there is none. */
  readonly query: string;
  /**
   * The first 64 KiB of the body; empty unless a report needs `body`. Valid only while `add` runs:
   * copy what you keep.
   */
  readonly body: Uint8Array;
  /** The size of the whole body; 0 unless a report needs `body`. */
  readonly bodyBytes: number;
  /** The Host header in lower case; empty if there was none, or unless a report needs `host`. */
  readonly host: string;
  /**
   * The client's IP address: the peer of the connection, or what a proxy of `--trust-proxy` says.
   * Empty unless a report needs `client`.
   */
  readonly client: string;
  /**
   * Headers by lower-case name: those that reports need by `header:NAME`, or all with `headers`. An
   * archive keeps none.
   */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The status of the answer: 200, or what an imported log says; undefined if it does not say. */
  readonly status: number | undefined;
  /** How long the request took, in ms, if an imported log says so. */
  readonly durationMs: number | undefined;
  /** The log that it was imported from; undefined if the server itself counted it. */
  readonly source: string | undefined;
}

/** A cell of a row. Numbers are finite; null means no value. */
export type Value = number | string | null;

/** One row of a window. */
export type ReportRow<Column extends string = string> = { readonly [name in Column]: Value };

/** The argument of `defineReport`. */
export interface ReportDefinition<Accumulator, Column extends string> {
  /** 1 to 32 lower-case letters, digits and hyphens, starting with a letter. Rows are stored by it. */
  readonly name: string;
  /** What the report shows, in one sentence. */
  readonly summary: string;
  /**
   * What it reads of a message beside method, path and query. The server reads no more than its
   * reports need: if none needs `body`, no answer waits for one.
   */
  readonly needs: Need | readonly Need[];
  /** The periods to keep; by default `sec` and `min`. Workers fill the shortest one. */
  readonly periods?: readonly PeriodName[];
  /** The columns of a row, in order: name → description. */
  readonly columns: Readonly<Record<Column, string>>;
  /** An empty accumulator. */
  create(): Accumulator;
  /**
   * Adds one message to the accumulator. Called once per counted message.
   * @param displaced true if `timeOf` named another window and was overruled, because its time is more
   * than 30 days before or a minute after the arrival, or because there are too many windows
   */
  add(accumulator: Accumulator, message: Message, displaced?: boolean): void;
  /**
   * Combines two accumulators. May change and return the first, or return a new one; must not change
   * the second or return a part of it.
   */
  merge(accumulator: Accumulator, other: Accumulator): Accumulator;
  /** The rows of one window: none, one or several. */
  rows(accumulator: Accumulator): readonly ReportRow<Column>[];
  /** Serializes an accumulator, to at most 64 KiB; JSON by default. */
  encode?(accumulator: Accumulator): Uint8Array;
  /** The inverse of `encode`. */
  decode?(bytes: Uint8Array): Accumulator;
  /**
   * The time that decides the message's window, epoch ms; the arrival if undefined, and by default.
   * Accepted from 30 days before the arrival to a minute after it.
   */
  timeOf?(message: Message): number | undefined;
  /**
   * For a report whose accumulators depend on the order of messages, within a stated error: whether
   * this accumulator is a correct result for these messages.
   */
  agrees?(accumulator: Accumulator, messages: readonly Message[]): boolean;
}

/** A definition with all defaults filled in. */
export type Report<Accumulator = unknown, Column extends string = string> = Required<
  Omit<ReportDefinition<Accumulator, Column>, 'timeOf' | 'agrees'>
> &
  Pick<ReportDefinition<Accumulator, Column>, 'timeOf' | 'agrees'>;

/** The size limit of an encoded accumulator: one write holds many windows of many reports. */
export const maxAccumulatorBytes = 64 << 10;

function encodeJson(accumulator: unknown): Uint8Array {
  const json: string | undefined = JSON.stringify(accumulator);
  if (json === undefined)
    throw new TypeError(`got an accumulator of type ${typeof accumulator}, want a JSON value`);
  return Buffer.from(json);
}

/** Validates a definition and fills in the defaults. @throws TypeError if it is invalid */
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

/** The names that a report may have. */
export const reportName = /^[a-z][a-z0-9-]{0,31}$/;

const functions = ['create', 'add', 'merge', 'rows'] as const;
const optionalFunctions = ['encode', 'decode', 'timeOf', 'agrees'] as const;

/** @throws TypeError unless `given` is a valid definition */
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
      `${got('name')}, want 1 to 32 lower-case letters, digits and hyphens, starting with a letter`,
    );
  const wrong = (text: string): TypeError => new TypeError(`report "${name}": ${text}`);
  if (typeof summary !== 'string' || summary.trim() === '')
    throw wrong(`${got('summary')}, want one sentence`);
  if (!isNeeds(needs)) throw wrong(`${got('needs')}, want ${wantedNeeds}`);
  if (periods !== undefined && !isPeriods(periods))
    throw wrong(`${got('periods')}, want some of ${periodNames.join(', ')}`);
  if (!isColumns(columns))
    throw wrong(`${got('columns')}, want lower-case names, each with a description`);
  for (const field of functions)
    if (typeof definition[field] !== 'function') throw wrong(`${got(field)}, want a function`);
  for (const field of optionalFunctions)
    if (definition[field] !== undefined && typeof definition[field] !== 'function')
      throw wrong(`${got(field)}, want a function or undefined`);
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

/** The shortest period of a report, which workers fill. */
export function shortestPeriod(report: Report): (typeof periodTable)[PeriodName] {
  const [name] = report.periods;
  if (name === undefined) throw new Error('BUG: a report without a period');
  return periodTable[name];
}
