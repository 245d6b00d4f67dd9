/**
 * The flags of the commands, as plain data: parse-words.ts parses with it, oclif.ts makes the help
 * from it, and completion/ the words for a shell.
 */

import type { ApiOptions } from '@reto3/client';
import { formatNames, parseFormatOf, Reto3Error } from '@reto3/core';

interface Definition {
  readonly description: string;
  /** The short form. */
  readonly char?: 'f' | 'n' | 'o';
  /** Another name for the flag. */
  readonly alias?: string;
  /**
   * Placeholder of the value in the help, or its choices, such as `csv|json`; absent for a switch.
   */
  readonly value?: string;
  readonly required?: boolean;
  /** The value if neither the flag nor its variable is given. */
  readonly fallback?: string;
  /** The value if the flag is given without one. */
  readonly impliedValue?: string;
  /**
   * Shown in the help as the default, but applied by the command, which can tell that the flag is
   * missing.
   */
  readonly shownDefault?: string;
  /** May be repeated; the values are joined with commas, or form an array. */
  readonly repeatable?: boolean | 'array';
  /** The environment variable that is read if the flag is missing. */
  readonly env?: string;
}

/** By name, without dashes. */
export type FlagTable = Readonly<Record<string, Definition>>;

/** The flags of a command line: text, or true for a switch; undefined if missing. */
export type Given<Table extends FlagTable> = {
  readonly [Name in keyof Table]: Table[Name] extends { readonly repeatable: 'array' }
    ? readonly string[] | undefined
    : Table[Name] extends { readonly value: string }
      ? Table[Name] extends { readonly fallback: string } | { readonly required: true }
        ? string
        : string | undefined
      : boolean | undefined;
};

/** How to reach a server. */
export const apiFlags = {
  url: {
    description: "address of the server's query API",
    fallback: 'http://127.0.0.1:8081',
    env: 'RETO3_URL',
    value: 'URL',
  },
  'token-file': {
    description: 'file with the bearer token, if the server requires one',
    env: 'RETO3_ADMIN_TOKEN_FILE',
    value: 'FILE',
  },
  ca: {
    description: 'PEM file of the CA certificates to trust for an https:// URL',
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
    description: rangeFlags.from.description.replace('windows that start', 'messages that arrived'),
  },
  to: { ...rangeFlags.to, description: 'messages that arrived before this time (also --until)' },
} as const satisfies FlagTable;

/** A server, or the data folder of a stopped server. */
export const sourceFlags = {
  ...apiFlags,
  'data-dir': {
    description: 'read this data folder instead of asking a server; none may be using it',
    value: 'FOLDER',
  },
} as const satisfies FlagTable;

/** How to read logs. */
export const readingFlags = {
  'log-format': {
    description: 'format of the log; see reto3 formats (default: detected)',
    value: 'NAME',
  },
  at: {
    description: 'count requests when they start or end (default: start, if the log has it)',
    value: 'start|end',
  },
  zone: {
    description: 'time zone of times without one: UTC, +02:00, Europe/Madrid …',
    shownDefault: 'UTC',
    value: 'ZONE',
  },
  pattern: {
    description: 'regular expression for other text logs, with groups time and duration',
    value: 'REGEX',
  },
  'time-format': { description: 'strftime format of the group time', value: 'FORMAT' },
  start: {
    description: 'start of a run whose times are relative to it (hey, oha, --pattern)',
    value: 'TIME',
  },
} as const satisfies FlagTable;

/** Logs that replace a data folder. */
export const logFlags = {
  log: {
    description:
      'answer from this log, plain or compressed; - is stdin; repeatable, patterns in quotes',
    repeatable: 'array',
    value: 'FILE',
  },
  ...readingFlags,
} as const satisfies FlagTable;

/** Where to write a large answer. */
export const outputFlags = {
  output: {
    char: 'o',
    description: 'write to this file, atomically, instead of stdout (-)',
    value: 'FILE',
  },
} as const satisfies FlagTable;

/** A format and the file to write, or stdout. Parquet needs a file. */
export type Target<Format extends string> =
  | { readonly format: Exclude<Format, 'parquet'>; readonly output: string | undefined }
  | { readonly format: Extract<Format, 'parquet'>; readonly output: string };

const clusterFlag = {
  cluster: { description: 'counts of the whole cluster, from a server that merges them' },
} as const satisfies FlagTable;

/** The nodes whose counts to read. */
export const scopeFlags = {
  ...clusterFlag,
  node: {
    description: 'counts of this node of the cluster, from a server that merges them',
    value: 'NAME',
  },
} as const satisfies FlagTable;

/** A range of windows, or of a report's rows, and the format to print it in. */
export const listFlags = {
  last: {
    char: 'n',
    description: 'the newest N windows (default: 100 of ms10, 60 of sec and min)',
    value: 'N',
  },
  ...rangeFlags,
  follow: {
    char: 'f',
    description: 'keep printing windows as they become final, until interrupted',
  },
  open: { description: 'include windows that are not final yet' },
  format: { description: 'output format', shownDefault: 'text', value: formatNames.join('|') },
  json: { description: 'same as --format json; with --follow, one object per line' },
  ...clusterFlag,
  ...sourceFlags,
} as const satisfies FlagTable;

export const statsFlags = {
  ...listFlags,
  ...scopeFlags,
  ...logFlags,
  chart: { description: 'draw a chart instead of listing the windows' },
} as const satisfies FlagTable;

export const analysisFormats = ['text', 'json', 'csv', 'ndjson'] as const;

/** A range of 10 ms windows to analyse, and the format to print the result in. */
const analysisFlags = {
  last: {
    char: 'n',
    description: 'the newest N windows of 10 ms (default: 6000, a minute; all of a log)',
    value: 'N',
  },
  ...rangeFlags,
  open: { description: 'include windows that are not final yet' },
  format: { description: 'output format', shownDefault: 'text', value: analysisFormats.join('|') },
  json: { description: 'same as --format json' },
  ...scopeFlags,
  ...sourceFlags,
  ...logFlags,
} as const satisfies FlagTable;

export const burstsFlags = {
  rise: {
    description:
      'a burst starts at N messages in 10 ms (default: a number unlikely for this traffic)',
    value: 'N',
  },
  fall: {
    description: 'a burst ends below N messages in 10 ms (default: halfway down to the median)',
    value: 'N',
  },
  stall: {
    description: 'a stall is MS ms without a message (default: a time unlikely for this traffic)',
    value: 'MS',
  },
  who: {
    description:
      'name who was behind each burst, by path (default), method, status, host, client or header:NAME',
    value: '[KEY]',
    impliedValue: 'path',
  },
  'fail-above': {
    description: 'exit with code 5 if any 10 ms had more than N messages',
    value: 'N',
  },
  expect: {
    description: 'judge a load generator; exit with code 5 if it is not what you expect',
    value: 'constant|poisson',
  },
  rate: { description: 'with --expect: messages per second that it promises', value: 'N' },
  ...analysisFlags,
} as const satisfies FlagTable;

export const whatIfFlags = {
  capacity: {
    description: 'requests per second that the simulated server handles',
    required: true,
    value: 'N',
  },
  rates: {
    description: 'at most 20 token bucket rates per second, separated by commas',
    value: 'N,…',
  },
  ...analysisFlags,
} as const satisfies FlagTable;

export const topFlags = {
  json: { description: 'print the figures once as JSON, and exit' },
  ...clusterFlag,
  ...apiFlags,
} as const satisfies FlagTable;

/**
 * The output format that --format or --json selects; the default if neither is given.
 * @throws Reto3Error RETO3_BAD_FORMAT
 */
export function formatOf<Name extends string>(
  names: readonly Name[],
  fallback: Name,
  { format, json }: { readonly format: string | undefined; readonly json?: boolean | undefined },
): Name {
  if (json && format !== undefined && format !== 'json') {
    throw new Reto3Error('RETO3_BAD_FORMAT', `got --json and --format ${format}, want one format`, {
      hint: 'omit one of the two',
    });
  }
  return parseFormatOf(names, json ? 'json' : (format ?? fallback));
}

/**
 * The target that --output selects for an answer in this format.
 * @throws Reto3Error RETO3_BAD_FORMAT if the format needs a file and none is given
 */
export function targetOf<Format extends string>(
  format: Format,
  { output }: Given<typeof outputFlags>,
): Target<Format>;
export function targetOf(
  format: string,
  { output }: Given<typeof outputFlags>,
): { readonly format: string; readonly output: string | undefined } {
  const file = output === '-' ? undefined : output;
  if (format === 'parquet' && file === undefined)
    throw new Reto3Error('RETO3_BAD_FORMAT', 'got --format parquet without a file to write', {
      hint: 'name one, such as --output answer.parquet',
    });
  return { format, output: file };
}

export function apiOptionsOf(flags: Given<typeof apiFlags>): ApiOptions {
  return { url: flags.url, tokenFile: flags['token-file'], ca: flags.ca };
}
