/** Other forms of the formats, as settings of their programs make them; and lines in wrappers. */
import { caddyLine, jsonLines } from './made-json.ts';
import { jmeterFields, jmeterHeader, microseconds } from './made-results.ts';
import { combinedWith, textLines } from './made-text.ts';
import {
  byDifference,
  byEnd,
  byStart,
  clf,
  ctime,
  dateAndTime,
  iso,
  type Made,
  milliseconds,
  nanoseconds,
  othersEvery,
  seconds,
  shortNanoseconds,
  shortSeconds,
  type Time,
  type Written,
} from './made-times.ts';

const text = (value: string): string => JSON.stringify(value);

/** As Go writes a duration below a minute. */
function goDuration(duration: Time): string {
  if (duration.ms >= 1_000) return `${shortSeconds(duration, 9)}s`;
  if (duration.ms > 0) return `${milliseconds(duration).replace(/\.?0+$/, '')}ms`;
  return `${duration.ns / 1_000}µs`;
}

const caddy = (counted: Made['counted'], line: Made['line']): Made => ({
  format: 'caddy',
  counted,
  line,
});

const jmeter = (delimiter: string, timeOf: (start: Time) => string): Made => ({
  format: 'jmeter',
  counted: byStart(3),
  header: [jmeterHeader.join(delimiter)],
  line: (line) => jmeterFields(line, timeOf(line.start)).join(delimiter),
});

/** The columns of IIS change every so often, as when its settings do. */
const iisColumns = [
  ['date', 'time', 'cs-method', 'cs-uri-stem', 'sc-status', 'time-taken'],
  ['date', 'time', 's-ip', 'cs-method', 'cs-uri-stem', 'cs-uri-query', 'c-ip', 'sc-status'],
  ['time-taken', 'sc-status', 'cs-uri-stem', 'cs-method', 'date', 'time'],
] as const;
const iisColumnsAt = (index: number): readonly string[] =>
  iisColumns[Math.floor(index / othersEvery) % iisColumns.length] ?? [];

function iisFields(line: Written): Readonly<Record<string, string>> {
  const [date = '', time = ''] = dateAndTime(line.end).split('T');
  return {
    ...{ date, time, 's-ip': '198.51.100.2', 'cs-method': line.method },
    ...{ 'cs-uri-stem': line.path, 'cs-uri-query': '-', 'c-ip': line.client },
    ...{ 'sc-status': String(line.status), 'time-taken': String(line.duration.ms) },
  };
}

const formVariants: Readonly<Record<string, Made>> = {
  'apache, %{msec}t and %D': {
    format: 'apache',
    counted: byStart(3),
    line: (line) =>
      `${combinedWith(line, clf(line.start))} ${line.start.ms} ${microseconds(line.duration)}`,
  },
  'apache, %D and %{usec}t': {
    format: 'apache',
    counted: byStart(6),
    line: (line) =>
      `${combinedWith(line, clf(line.start))} ${microseconds(line.duration)} ${microseconds(line.start)}`,
  },
  'caddy, unix_milli_float': caddy(byDifference(6, 9), (line) =>
    caddyLine(line, milliseconds(line.end).slice(0, -3), shortSeconds(line.duration, 9)),
  ),
  // A small whole number may be of any unit, so the start is unknown.
  'caddy, unix_nano, durations in ns': caddy(byEnd(9), (line) =>
    caddyLine(line, nanoseconds(line.end), shortNanoseconds(line.duration)),
  ),
  'caddy, rfc3339_nano, durations with units': caddy(byDifference(9, 9), (line) =>
    caddyLine(line, text(iso(line.end, 9)), text(goDuration(line.duration))),
  ),
  'caddy, wall_milli': caddy(byDifference(3, 9), (line) => {
    const time = iso(line.end, 3).replaceAll('-', '/').replace('T', ' ').replace('Z', '');
    return caddyLine(line, text(time), shortSeconds(line.duration, 9));
  }),
  'caddy, common_log': caddy(byEnd(0), (line) =>
    caddyLine(line, text(`${clf(line.end)} +0000`), shortSeconds(line.duration, 9)),
  ),
  'jmeter, by tabs': jmeter('\t', ({ ms }) => String(ms)),
  'jmeter, by semicolons, with dates': jmeter(';', (start) =>
    iso(start, 3).replaceAll('-', '/').replace('T', ' ').replace('Z', ''),
  ),
  'iis, other fields every 1,000 requests': {
    format: 'iis',
    counted: byEnd(0),
    header: ['#Software: Microsoft Internet Information Services 10.0', fieldsAt(0)],
    others: (next) => [fieldsAt(next)],
    line: (line) => {
      const fields = iisFields(line);
      return iisColumnsAt(line.index)
        .map((name) => fields[name])
        .join(' ');
    },
  },
  'pattern of ISO times': {
    format: 'pattern',
    options: {
      pattern: '^(?<time>\\S+) (?<method>\\w+) (?<path>\\S+) (?<status>\\d+) (?<duration>\\S+)$',
    },
    counted: byDifference(6, 3),
    line: (line) =>
      `${iso(line.end, 6)} ${line.method} ${line.target} ${line.status} ${line.duration.ms}ms`,
  },
  'pattern with a time format': {
    format: 'pattern',
    options: {
      pattern: '^\\[(?<time>[^\\]]+)\\] (?<client>\\S+) "(?<path>[^"]*)" (?<duration>\\S+)$',
      timeFormat: '%d %b %Y, %H:%M:%S.%f',
    },
    counted: byDifference(6, 6),
    line: (line) => {
      const [date = '', time = ''] = clf(line.end).split(/:(.*)/);
      const fraction = iso(line.end, 6).slice(-7, -1);
      return `[${date.replaceAll('/', ' ')}, ${time}.${fraction}] ${line.client} "${line.target}" ${seconds(line.duration, 6)}`;
    },
  },
};

function fieldsAt(index: number): string {
  return `#Fields: ${iisColumnsAt(index).join(' ')}`;
}

interface Wrapping {
  readonly wrapper: string;
  readonly format: string;
  readonly wrap: (line: string, written: Written) => string;
  readonly alone?: RegExp;
}

/** Runtimes cut long lines; here every 500th is. */
const isCut = ({ index }: Written): boolean => index % 500 === 250;
/** Where lines are cut. */
const pieceBytes = 90;

const dockerLine = (log: string, { end }: Written): string =>
  JSON.stringify({ log, stream: 'stdout', time: iso(end, 9) });
const criLine = (tag: string, line: string, { end }: Written): string =>
  `${iso(end, 9)} stdout ${tag} ${line}`;

const wrappings: readonly Wrapping[] = [
  {
    ...{ wrapper: 'Docker', format: 'nginx' },
    wrap: (line, written) =>
      isCut(written)
        ? `${dockerLine(line.slice(0, pieceBytes), written)}\n${dockerLine(`${line.slice(pieceBytes)}\n`, written)}`
        : dockerLine(`${line}\n`, written),
    alone: /[^\\]\\n","stream"/,
  },
  {
    ...{ wrapper: 'CRI', format: 'nginx' },
    wrap: (line, written) =>
      isCut(written)
        ? `${criLine('P', line.slice(0, pieceBytes), written)}\n${criLine('F', line.slice(pieceBytes), written)}`
        : criLine('F', line, written),
    alone: /^\S+ std(out|err) F /,
  },
  {
    ...{ wrapper: 'CRI', format: 'envoy-json' },
    wrap: (line, written) => criLine('F', line, written),
    alone: /^\S+ std(out|err) F /,
  },
  {
    ...{ wrapper: 'syslog', format: 'haproxy' },
    wrap: (line, { end }) => `<134>${ctime(end).slice(4, -5)} lb1 haproxy[7]: ${line}`,
  },
  {
    ...{ wrapper: 'syslog', format: 'nginx' },
    wrap: (line, { end }) => `<190>1 ${iso(end, 3)} web1 nginx 7 - - ${line}`,
  },
  {
    ...{ wrapper: 'lines with timestamps', format: 'traefik-clf' },
    wrap: (line, { end }) => `${iso(end, 9)} ${line}`,
  },
  {
    ...{ wrapper: 'docker compose', format: 'combined' },
    wrap: (line) => `web-1  | ${line}`,
  },
  {
    ...{ wrapper: 'JSON messages', format: 'nginx' },
    wrap: (line, { end }) => JSON.stringify({ '@timestamp': iso(end, 3), message: line }),
  },
];

export const variants: Readonly<Record<string, Made>> = {
  ...formVariants,
  ...Object.fromEntries(wrappings.map((wrapping) => [nameOf(wrapping), wrapped(wrapping)])),
};

function nameOf({ format, wrapper }: Wrapping): string {
  return `${format} in ${wrapper}`;
}

function wrapped({ wrapper, format, wrap, alone }: Wrapping): Made {
  const inner = textLines[format] ?? jsonLines[format];
  if (inner === undefined) throw new Error(`BUG: no log of format ${format} can be made`);
  return {
    ...{ format, wrapper, counted: inner.counted },
    line: (line) => wrap(inner.line(line), line),
    ...(alone && { alone }),
  };
}
