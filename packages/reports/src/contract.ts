/**
 * The report contract: what you implement to compute something other than the number of messages.
 * Public API, as `reto3/report`; docs/reports.md is a tutorial, docs/report-reference.md the
 * reference.
 *
 * A report is a commutative monoid of accumulators over messages. Each worker fills an accumulator
 * per window; the coordinator merges and stores them on each flush. A cluster, a replay and a query
 * for longer windows merge them too. So the parts may be merged in any order and grouping, as long
 * as the laws hold that `checkLaws` checks.
 */
import { type PeriodName, periods as periodTable } from '@reto3/core';
import type { Column, ColumnType } from './columns.ts';
import type { Need } from './needs.ts';

/**
 * One counted message. It is valid only while your function runs, so copy what you keep. Its fields
 * may be getters that read the request or the archive, which `{ ...message }` does not copy.
 */
export interface Message {
  /** When the server counted it, by its clock: epoch ms, a whole number. */
  readonly arrivedMs: number;
  /** The worker thread that counted it, from 0. */
  readonly worker: number;
  /** As sent, such as `POST`. */
  readonly method: string;
  /** Without the query, such as `/`. */
  readonly path: string;
  /** The text after the `?`; empty if there is none. */
  readonly query: string;
  /** The first 64 KiB of the body; empty unless a report needs `body`. Copy the bytes you keep. */
  readonly body: Uint8Array;
  /** The size of the whole body in bytes; 0 unless a report needs `body`. */
  readonly bodyBytes: number;
  /** The Host header in lower case; empty if it is absent, or unless a report needs `host`. */
  readonly host: string;
  /**
   * The client's IP address: the peer of the connection, or the address that a trusted proxy
   * (`--trust-proxy`) gives. Empty unless a report needs `client`.
   */
  readonly client: string;
  /**
   * Headers by lower-case name: those that reports need by `header:NAME`, or all with `headers`. An
   * archive keeps none.
   */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The status of the answer: 200, or that in an imported log; undefined if the log has none. */
  readonly status: number | undefined;
  /** How long the request took, in ms; undefined unless an imported log has it. */
  readonly durationMs: number | undefined;
  /** The log that it was imported from; undefined if the server itself counted it. */
  readonly source: string | undefined;
}

/** A cell of a row. Numbers are finite; null is an empty cell. */
export type Value = number | string | null;

/** One row of a window: a cell per column. */
export type ReportRow<Name extends string = string> = { readonly [name in Name]: Value };

/** A duration such as `500ms`, `30s`, `5m`, `2h` or `1d`. */
type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

/**
 * The argument of `defineReport`.
 *
 * If a function throws on a message, the message is left out of the report, is counted as an error
 * and shown as an example. Too many errors, too much time, or an accumulator of more than 64 KiB
 * switch the report off. Counting and the other reports continue.
 */
export interface ReportDefinition<Accumulator, Name extends string> {
  /**
   * 1 to 32 lower-case letters, digits and hyphens, starting with a letter. Stored rows carry it,
   * so a report with another name starts anew.
   */
  readonly name: string;
  /** What the report shows, in one sentence. */
  readonly summary: string;
  /**
   * The version of what the report computes, from 1, the default. Raise it with every change of
   * that: the server refuses changed code of the same version, since its results would mix with
   * those stored.
   */
  readonly version?: number;
  /**
   * The parts of a message that it reads, beside method, path and query. The server reads only what
   * its reports need: if none needs `body`, no answer waits for one.
   */
  readonly needs: Need | readonly Need[];
  /** The periods to keep; by default `sec` and `min`. Workers fill the shortest one. */
  readonly periods?: readonly PeriodName[];
  /** The columns of a row, in order: name → description, or description, type and unit. */
  readonly columns: Readonly<Record<Name, Column>>;
  /**
   * The key of a message, such as its tenant; undefined counts as `(none)`. The report then has
   * rows for each key, which start with the columns `key`, `count` and `most`.
   */
  key?(message: Message): string | number | undefined;
  /**
   * How many keys a window lists, 1 to 1,000; by default 100. The others are summed in `(other)`.
   */
  readonly mostKeys?: number;
  /** An empty accumulator, the identity of `merge`. */
  create(): Accumulator;
  /**
   * Adds one message to the accumulator of its window. Called once per counted message.
   * @param displaced true if the window is that of the arrival although `timeOf` named another:
   * that time is before `allowedLateness` or the retention, more than a minute after the arrival, or
   * would need too many windows at once
   */
  add(accumulator: Accumulator, message: Message, displaced?: boolean): void;
  /**
   * Combines two accumulators; associative and commutative. May change and return the first, or
   * return a new one. Must not change the second or return a part of it.
   */
  merge(accumulator: Accumulator, other: Accumulator): Accumulator;
  /** The rows of one window: none, one or several. With `key`, the rows of one key. */
  rows(accumulator: Accumulator): readonly ReportRow<Name>[];
  /** Serializes an accumulator, to at most 64 KiB; JSON by default. */
  encode?(accumulator: Accumulator): Uint8Array;
  /** The inverse of `encode`. */
  decode?(bytes: Uint8Array): Accumulator;
  /**
   * Reads what an earlier version of the report stored.
   * @param version the version that stored it
   * @throws if it cannot
   */
  migrate?(bytes: Uint8Array, version: number): Accumulator;
  /**
   * The time that decides the message's window, epoch ms; the arrival if undefined, and by default.
   * Accepted from `allowedLateness` before the arrival to a minute after it.
   */
  timeOf?(message: Message): number | undefined;
  /**
   * How long after the time of `timeOf` a message may arrive, up to `30d`. Windows are final only
   * after it. Without it 30 days are allowed, and a final window may still grow.
   */
  readonly allowedLateness?: Duration;
  /**
   * For a report whose accumulators depend on the order of messages, within a stated error: whether
   * this accumulator is a correct result for these messages. With `key`, for those of one key.
   * `checkLaws` then uses it in place of equality.
   */
  agrees?(accumulator: Accumulator, messages: readonly Message[]): boolean;
  /**
   * Text that identifies the code of what is stored, in place of the source of `create`, `add`,
   * `merge`, `encode` and `decode`. `combine` fills it in.
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
  /** The types of the columns that have one. */
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
  /** @param maxBytes a report with a key sums up small keys to stay within it */
  encode(accumulator: Accumulator, maxBytes?: number): Uint8Array;
  decode(bytes: Uint8Array): Accumulator;
  timeOf?(message: Message): number | undefined;
  agrees?(accumulator: Accumulator, messages: readonly Message[]): boolean;
  /** The definition that it was made from. */
  readonly definition: ReportDefinition<unknown, string>;
}

/** The size limit of an encoded accumulator: one write holds many windows of many reports. */
export const maxAccumulatorBytes = 64 << 10;

/** The default retention of ms10 windows. With a shorter one, messages may be less late. */
export const maxLatenessMs = 30 * 24 * 3_600_000;

/** The shortest period of a report, which workers fill. */
export function shortestPeriod(report: Report): (typeof periodTable)[PeriodName] {
  const [name] = report.periods;
  if (name === undefined) throw new Error('BUG: a report without a period');
  return periodTable[name];
}
