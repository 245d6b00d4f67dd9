/**
 * The report contract: what you implement to compute something other than the number of messages.
 * Public API, as `reto3/report`; docs/reports.md is a tutorial.
 *
 * A report is a commutative monoid of accumulators over messages. Workers fill one accumulator per
 * window, and the coordinator merges and stores them on each flush; a cluster and a replay do the
 * same. The order and grouping of the parts do not matter, as long as the laws hold that `checkLaws`
 * checks.
 */
import {
  type PeriodName,
  parseDuration,
  periodNames,
  periods as periodTable,
  reportNamePattern,
} from '@reto3/core';
import { isBuiltInName } from './built-in/names.ts';
import { areColumns, type Column, type ColumnType, descriptionOf, typeOf } from './columns.ts';
import { defaultMostKeys, keyColumns, keyed, maxMostKeys } from './keyed.ts';
import { isNeeds, type Need, wantedNeeds } from './needs.ts';
import { versionOf, withVersion } from './versioned.ts';

/**
 * One counted message. Valid only while your function runs, so copy what you keep. Its fields may be
 * getters that read the request or the archive: `{ ...message }` copies none of them.
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
  /** The first 64 KiB of the body; empty unless a report needs `body`. Copy what you keep of it. */
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
export type ReportRow<Name extends string = string> = { readonly [name in Name]: Value };

/** Such as `500ms`, `30s`, `5m`, `2h` or `1d`. */
type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

/** The argument of `defineReport`. */
export interface ReportDefinition<Accumulator, Name extends string> {
  /** 1 to 32 lower-case letters, digits and hyphens, starting with a letter. Rows are stored by it. */
  readonly name: string;
  /** What the report shows, in one sentence. */
  readonly summary: string;
  /**
   * Raise it whenever the report computes something else, from 1, the default. Changed code of the
   * same version is refused, since its results would mix with those stored.
   */
  readonly version?: number;
  /**
   * What it reads of a message beside method, path and query. The server reads no more than its
   * reports need: if none needs `body`, no answer waits for one.
   */
  readonly needs: Need | readonly Need[];
  /** The periods to keep; by default `sec` and `min`. Workers fill the shortest one. */
  readonly periods?: readonly PeriodName[];
  /** The columns of a row, in order: name → description, or description, type and unit. */
  readonly columns: Readonly<Record<Name, Column>>;
  /**
   * The key of a message, such as its tenant. The report then has rows for each key, which begin with
   * the columns `key`, `count` and `most`.
   */
  key?(message: Message): string | number | undefined;
  /** How many keys a window lists, the largest ones; the others are added up. 100 by default. */
  readonly mostKeys?: number;
  /** An empty accumulator. */
  create(): Accumulator;
  /**
   * Adds one message to the accumulator. Called once per counted message.
   * @param displaced true if `timeOf` named another window and was overruled, because its time is
   * before `allowedLateness` or more than a minute after the arrival, or there are too many windows
   */
  add(accumulator: Accumulator, message: Message, displaced?: boolean): void;
  /**
   * Combines two accumulators. May change and return the first, or return a new one; must not change
   * the second or return a part of it.
   */
  merge(accumulator: Accumulator, other: Accumulator): Accumulator;
  /** The rows of one window: none, one or several. With `key`, those of one key. */
  rows(accumulator: Accumulator): readonly ReportRow<Name>[];
  /** Serializes an accumulator, to at most 64 KiB; JSON by default. */
  encode?(accumulator: Accumulator): Uint8Array;
  /** The inverse of `encode`. */
  decode?(bytes: Uint8Array): Accumulator;
  /** Reads what an earlier version of the report has stored. @throws if it cannot */
  migrate?(bytes: Uint8Array, version: number): Accumulator;
  /**
   * The time that decides the message's window, epoch ms; the arrival if undefined, and by default.
   * Accepted from `allowedLateness` before the arrival to a minute after it.
   */
  timeOf?(message: Message): number | undefined;
  /**
   * How late a message may come for the window that `timeOf` names. Windows are final only after it.
   * Without it, 30 days, and a final window may still grow.
   */
  readonly allowedLateness?: Duration;
  /**
   * For a report whose accumulators depend on the order of messages, within a stated error: whether
   * this accumulator is a correct result for these messages. With `key`, for those of one key.
   */
  agrees?(accumulator: Accumulator, messages: readonly Message[]): boolean;
  /**
   * Text that decides what is stored, in place of that of `create`, `add`, `merge`, `encode` and
   * `decode`. `combine` fills it in.
   */
  readonly source?: string;
}

/** A report as the server runs it, made by `defineReport`. */
export interface Report<Accumulator = unknown, Name extends string = string> {
  readonly name: string;
  readonly summary: string;
  readonly version: number;
  readonly needs: Need | readonly Need[];
  /** The shortest first. */
  readonly periods: readonly PeriodName[];
  /** Name → description, in order. */
  readonly columns: Readonly<Record<Name, string>>;
  /** Of the columns that have one. */
  readonly types: Readonly<Record<string, ColumnType>>;
  /** Whether its rows have a key, in the first column. */
  readonly isKeyed: boolean;
  /** Whether it reads what earlier versions stored. */
  readonly migrates: boolean;
  /** Undefined if a final window may still grow. */
  readonly allowedLatenessMs: number | undefined;
  /** The code that decides what is stored. */
  readonly code: readonly string[];
  create(): Accumulator;
  add(accumulator: Accumulator, message: Message, displaced?: boolean): void;
  merge(accumulator: Accumulator, other: Accumulator): Accumulator;
  rows(accumulator: Accumulator): readonly ReportRow<Name>[];
  /** @param maxBytes a report with a key adds up small keys to stay within it */
  encode(accumulator: Accumulator, maxBytes?: number): Uint8Array;
  decode(bytes: Uint8Array): Accumulator;
  timeOf?(message: Message): number | undefined;
  agrees?(accumulator: Accumulator, messages: readonly Message[]): boolean;
  /** What it was made of. */
  readonly definition: ReportDefinition<unknown, string>;
}

/** The size limit of an encoded accumulator: one write holds many windows of many reports. */
export const maxAccumulatorBytes = 64 << 10;

function encodeJson(accumulator: unknown): Uint8Array {
  const json: string | undefined = JSON.stringify(accumulator);
  if (json === undefined)
    throw new TypeError(`got an accumulator of type ${typeof accumulator}, want a JSON value`);
  return Buffer.from(json);
}

/** Validates a definition and fills in the defaults. @throws TypeError if it is invalid */
export function defineReport<Accumulator, Name extends string>(
  definition: ReportDefinition<Accumulator, Name>,
): Report<Accumulator, Name> {
  assertDefinition(definition);
  // Only the functions of a definition know what its accumulators are.
  return compile(definition) as Report<Accumulator, Name>;
}

function compile(definition: ReportDefinition<unknown, string>): Report {
  const { periods = ['sec', 'min'], version = 1, allowedLateness, key } = definition;
  const inside = {
    encode: encodeJson,
    decode: (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()),
    ...definition,
  };
  const columns: Record<string, Column> =
    key === undefined ? definition.columns : { ...keyColumns, ...definition.columns };
  const types = Object.entries(columns).flatMap(([name, column]) => {
    const type = typeOf(column);
    return type === undefined ? [] : [[name, type] as const];
  });
  const { timeOf, agrees } = inside;
  const plain: Report = {
    ...{ name: definition.name, summary: definition.summary, version, needs: definition.needs },
    periods: periodNames.filter((name) => periods.includes(name)),
    columns: Object.fromEntries(
      Object.entries(columns).map(([name, column]) => [name, descriptionOf(column)]),
    ),
    types: Object.fromEntries(types),
    isKeyed: key !== undefined,
    migrates: definition.migrate !== undefined,
    allowedLatenessMs: allowedLateness === undefined ? undefined : parseDuration(allowedLateness),
    code: codeOf(definition),
    ...{ create: inside.create, add: inside.add, merge: inside.merge, rows: inside.rows },
    ...{ encode: inside.encode, decode: inside.decode },
    ...(timeOf && { timeOf }),
    ...(agrees && { agrees }),
    definition,
  };
  const { mostKeys = defaultMostKeys } = definition;
  const report =
    key === undefined ? plain : { ...plain, ...keyed(inside, (message) => key(message), mostKeys) };
  return version === 1 ? report : versioned(report);
}

/** None of it is code of reto3, so that a new version of reto3 does not make all reports new ones. */
function codeOf(definition: ReportDefinition<unknown, string>): string[] {
  const { create, add, merge, encode = 'JSON', decode = 'JSON', source } = definition;
  const { version = 1, key, mostKeys, timeOf } = definition;
  const own = source === undefined ? [create, add, merge, encode, decode] : [source];
  return [...own, timeOf, key, mostKeys, version].map(String);
}

function versioned(report: Report): Report {
  const { version, definition, encode, decode } = report;
  return {
    ...report,
    encode: (accumulator, maxBytes) => withVersion(version, encode(accumulator, maxBytes)),
    decode(bytes) {
      const { version: wrote, rest } = versionOf(bytes);
      if (wrote === version) return decode(rest);
      if (wrote > version || definition.migrate === undefined)
        throw new TypeError(`got what version ${wrote} of the report stored, want ${version}`);
      return definition.migrate(rest, wrote);
    },
  };
}

/** The names that a report of a module may have. */
const moduleName = /^[a-z][a-z0-9-]{0,31}$/;

/** The names that any report may have. */
export const reportName = new RegExp(`^${reportNamePattern}$`);

const functions = ['create', 'add', 'merge', 'rows'] as const;
const optionalFunctions = ['encode', 'decode', 'migrate', 'key', 'timeOf', 'agrees'] as const;

/** @throws TypeError unless `given` is a valid definition */
export function assertDefinition(
  given: unknown,
): asserts given is ReportDefinition<unknown, string> {
  if (typeof given !== 'object' || given === null)
    throw new TypeError(`got ${typeof given}, want an object made with defineReport`);
  const definition: Readonly<Record<string, unknown>> = { ...given };
  const { name, summary, version, needs, periods, columns, mostKeys } = definition;
  const got = (field: string): string => `got ${field} ${JSON.stringify(definition[field])}`;
  if (typeof name !== 'string' || !(moduleName.test(name) || isBuiltInName(name)))
    throw new TypeError(
      `${got('name')}, want 1 to 32 lower-case letters, digits and hyphens, starting with a letter`,
    );
  const wrong = (text: string): TypeError => new TypeError(`report "${name}": ${text}`);
  if (typeof summary !== 'string' || summary.trim() === '')
    throw wrong(`${got('summary')}, want one sentence`);
  if (version !== undefined && !isWhole(version, 1, 1_000_000))
    throw wrong(`${got('version')}, want a whole number from 1`);
  if (!isNeeds(needs)) throw wrong(`${got('needs')}, want ${wantedNeeds}`);
  if (periods !== undefined && !isPeriods(periods))
    throw wrong(`${got('periods')}, want some of ${periodNames.join(', ')}`);
  const isKeyed = definition['key'] !== undefined;
  if (!areColumns(columns) || (!isKeyed && Object.keys(columns).length === 0))
    throw wrong(`${got('columns')}, want lower-case names, each with a description`);
  const taken = isKeyed && Object.keys(columns).find((column) => column in keyColumns);
  if (taken)
    throw wrong(`got the column ${taken}, which every report with a key has; want another name`);
  for (const field of functions)
    if (typeof definition[field] !== 'function') throw wrong(`${got(field)}, want a function`);
  for (const field of optionalFunctions)
    if (definition[field] !== undefined && typeof definition[field] !== 'function')
      throw wrong(`${got(field)}, want a function or undefined`);
  if ((definition['encode'] === undefined) !== (definition['decode'] === undefined))
    throw wrong('got one of encode and decode, want both or neither');
  if (mostKeys !== undefined && !(isKeyed && isWhole(mostKeys, 1, maxMostKeys)))
    throw wrong(`${got('mostKeys')}, want 1 to ${maxMostKeys}, beside key`);
  const { allowedLateness, timeOf } = definition;
  if (allowedLateness !== undefined && !(timeOf && isLateness(allowedLateness)))
    throw wrong(`${got('allowedLateness')}, want up to 30d, such as "5m", beside timeOf`);
}

function isWhole(given: unknown, min: number, max: number): boolean {
  return Number.isInteger(given) && Number(given) >= min && Number(given) <= max;
}

/** The default retention of ms10 windows; anything older would soon be deleted. */
export const maxLatenessMs = 30 * 24 * 3_600_000;

function isLateness(given: unknown): boolean {
  const ms = typeof given === 'string' ? parseDuration(given) : Number.NaN;
  return ms >= 0 && ms <= maxLatenessMs;
}

export function isPeriods(given: unknown): given is PeriodName[] {
  return (
    Array.isArray(given) && given.length > 0 && given.every((name) => periodNames.includes(name))
  );
}

/** Whether these are the columns of a report, by name, with their descriptions. */
export function isColumns(given: unknown): given is Record<string, string> {
  return (
    areColumns(given) &&
    Object.keys(given).length > 0 &&
    Object.values(given).every((column) => typeof column === 'string')
  );
}

/** The shortest period of a report, which workers fill. */
export function shortestPeriod(report: Report): (typeof periodTable)[PeriodName] {
  const [name] = report.periods;
  if (name === undefined) throw new Error('BUG: a report without a period');
  return periodTable[name];
}
