/**
 * The flags of the commands, as plain data. Two parsers read them: oclif's, which also writes the
 * help and refuses what is wrong, and the quick one of parse-flags.ts, for which oclif need not be
 * loaded. So nothing here may import oclif.
 */

import type { ApiOptions } from '@reto3/client';
import { formatNames, parseFormatOf, Reto3Error } from '@reto3/core';

interface Definition {
  readonly description: string;
  /** The single letter that may stand for it. */
  readonly char?: 'f' | 'n' | 'o';
  /** Another name that people type. */
  readonly alias?: string;
  /** How the value is called in the help, or all that it can be, as in `csv|json`; absent for a
   * switch. */
  readonly value?: string;
  readonly fallback?: string;
  /** As `fallback`, where the command has to know whether the flag was given. */
  readonly usual?: string;
  /** May be given several times; what was given stands with commas between, or is an `array`. */
  readonly repeatable?: boolean | 'array';
  /** The environment variable that is read where the flag is not given. */
  readonly env?: string;
}

/** By name, without dashes. */
export type FlagTable = Readonly<Record<string, Definition>>;

/** What was given: a text, or true for a switch; undefined for what was not, and has no default. */
export type Given<Table extends FlagTable> = {
  readonly [Name in keyof Table]: Table[Name] extends { readonly repeatable: 'array' }
    ? readonly string[] | undefined
    : Table[Name] extends { readonly value: string }
      ? Table[Name] extends { readonly fallback: string }
        ? string
        : string | undefined
      : boolean | undefined;
};

/** Where the server is and how to get in. */
export const apiFlags = {
  url: {
    description: "where the server's query API is",
    fallback: 'http://127.0.0.1:8081',
    env: 'RETO3_URL',
    value: 'URL',
  },
  'token-file': {
    description: 'file with the bearer token, where the server asks for one',
    env: 'RETO3_ADMIN_TOKEN_FILE',
    value: 'FILE',
  },
  ca: {
    description: 'PEM file with the certificates to trust for an https:// URL',
    env: 'RETO3_CA',
    value: 'FILE',
  },
} as const satisfies FlagTable;

export const healthFlags = {
  ...apiFlags,
  json: { description: 'print the answer as JSON' },
} as const satisfies FlagTable;

const times = 'ISO 8601 (UTC), epoch s (10 digits) or ms (13), or an age such as 90s, 5m, 2h, 1d';

/** A range of windows. */
export const rangeFlags = {
  from: {
    alias: 'since',
    description: `windows that start at or after this time: ${times} (also --since)`,
    value: 'TIME',
  },
  to: {
    alias: 'until',
    description: 'windows that start before this time (also --until)',
    value: 'TIME',
  },
} as const satisfies FlagTable;

/** A range of archived messages. */
export const messageRangeFlags = {
  from: {
    ...rangeFlags.from,
    description: rangeFlags.from.description.replace('windows that start', 'messages that came'),
  },
  to: { ...rangeFlags.to, description: 'messages that came before this time (also --until)' },
} as const satisfies FlagTable;

/** A server, or the data folder of one that is stopped. */
export const sourceFlags = {
  ...apiFlags,
  'data-dir': {
    description: 'read this data folder directly; no server may hold it',
    value: 'FOLDER',
  },
} as const satisfies FlagTable;

/** Logs that are answered from without a folder, and how they are read. */
export const logFlags = {
  log: {
    description: 'answer from this log, plain or compressed; - is stdin (repeatable)',
    repeatable: 'array',
    value: 'FILE',
  },
  'log-format': { description: 'its format (default: found out, and said)', value: 'NAME' },
  at: {
    description: 'the moment of a request that is counted (default: start where it can be known)',
    value: 'start|end',
  },
  zone: {
    description: 'of times that name none: UTC, +02:00, Europe/Madrid …',
    usual: 'UTC',
    value: 'ZONE',
  },
  pattern: {
    description: 'regular expression of another text log; groups time and duration',
    value: 'REGEX',
  },
  'time-format': { description: "form of the pattern's time, as strftime has it", value: 'FORMAT' },
  start: { description: 'when a run began whose times count from there (hey, oha)', value: 'TIME' },
} as const satisfies FlagTable;

/** Where an answer goes that may be large. */
export const outputFlags = {
  output: {
    char: 'o',
    description: 'file to write, whole or not at all; stdout without it',
    value: 'FILE',
  },
} as const satisfies FlagTable;

const clusterFlag = {
  cluster: { description: "the cluster's counts, from a server that adds them up" },
} as const satisfies FlagTable;

/** Whose windows. */
export const whoseFlags = {
  ...clusterFlag,
  node: {
    description: 'those of one node of the cluster, from a server that adds it up',
    value: 'NAME',
  },
} as const satisfies FlagTable;

/** A range of windows or of rows of a report, and how it is printed. */
export const listFlags = {
  last: {
    char: 'n',
    description: 'the newest N windows (default: 100 of ms10, 60 of sec and min)',
    value: 'N',
  },
  ...rangeFlags,
  follow: {
    char: 'f',
    description: 'print the windows as they become final, until interrupted',
  },
  open: { description: 'include the windows that are not final yet' },
  format: { description: 'form of the output', usual: 'text', value: formatNames.join('|') },
  json: { description: 'the same as --format json; with --follow one object a line' },
  ...clusterFlag,
  ...sourceFlags,
} as const satisfies FlagTable;

export const statsFlags = {
  ...listFlags,
  ...whoseFlags,
  ...logFlags,
  chart: { description: 'draw the windows instead of listing them' },
} as const satisfies FlagTable;

export const analysisFormats = ['text', 'json', 'csv', 'ndjson'] as const;

/** A range of 10 ms windows, and how what was found in it is printed. */
const analysisFlags = {
  last: {
    char: 'n',
    description: 'the newest N windows of 10 ms (default: 6000, a minute; all of a log)',
    value: 'N',
  },
  ...rangeFlags,
  open: { description: 'include the windows that are not final yet' },
  format: { description: 'form of the output', usual: 'text', value: analysisFormats.join('|') },
  json: { description: 'the same as --format json' },
  ...whoseFlags,
  ...sourceFlags,
  ...logFlags,
} as const satisfies FlagTable;

export const burstsFlags = {
  rise: {
    description: 'a burst begins with N messages in 10 ms (default: what is unlikely here)',
    value: 'N',
  },
  fall: {
    description: 'a burst ends before 10 ms with fewer than N messages (default: halfway down)',
    value: 'N',
  },
  stall: {
    description: 'so many ms without a message are a stall (default: what is unlikely here)',
    value: 'MS',
  },
  'fail-above': {
    description: 'exit with 5 where more than N messages came in some 10 ms',
    value: 'N',
  },
  ...analysisFlags,
} as const satisfies FlagTable;

export const whatIfFlags = {
  capacity: { description: 'requests a second that the queue serves', value: 'N' },
  rates: { description: 'rates of the token buckets, with commas between them', value: 'N,…' },
  ...analysisFlags,
} as const satisfies FlagTable;

export const topFlags = {
  json: { description: 'print the figures of one picture as JSON, and end' },
  ...clusterFlag,
  ...apiFlags,
} as const satisfies FlagTable;

/**
 * The form of the output that --format and --json ask for, `usual` where neither is given.
 * @throws Reto3Error RETO3_BAD_FORMAT
 */
export function formatOf<Name extends string>(
  names: readonly Name[],
  usual: Name,
  { format, json }: { readonly format: string | undefined; readonly json?: boolean | undefined },
): Name {
  if (json && format !== undefined && format !== 'json') {
    throw new Reto3Error(
      'RETO3_BAD_FORMAT',
      `got --json with --format ${format}, want one of them`,
      {
        hint: 'leave out one of them',
      },
    );
  }
  return parseFormatOf(names, json ? 'json' : (format ?? usual));
}

export function apiOptionsOf(flags: Given<typeof apiFlags>): ApiOptions {
  return { url: flags.url, tokenFile: flags['token-file'], ca: flags.ca };
}
