/** Settings of optional work in the workers: reports and the archive. */
import type { SettingTable } from '../setting.ts';
import { duration, oneOf, reportNames, size, switchValue } from '../setting-values.ts';

export const archiveSettings = {
  /** Names of built-in reports and paths of modules; undefined without reports. */
  report: {
    flag: 'report',
    summary:
      'run a report: lag, generated, top, sizes, by:KEY, or the path of a module; repeatable',
    value: 'REPORT',
    repeatable: true,
    fallback: undefined,
    parse: reportNames,
    unit: 'names, paths',
    more: "each report costs workers' time ([reports](reports.md)); if one reads bodies, every answer waits for the body",
    less: 'workers only count',
  },
  /** Names of reports; undefined for none. */
  reportMetrics: {
    flag: 'report-metrics',
    summary: 'reports whose newest window /metrics shows, as reto3_report_NAME_COLUMN; repeatable',
    value: 'NAMES',
    repeatable: true,
    fallback: undefined,
    parse: reportNames,
    unit: 'names of reports',
    more: 'Prometheus keeps the report; each key is a time series, up to 101 a report',
    less: '/metrics has the counts only',
  },
  /** What to do if the code of a report has changed under the same name and version. */
  reportChanged: {
    flag: 'report-changed',
    summary: "if a report's code has changed: refuse to start, or start it over without its rows",
    value: 'refuse|anew',
    fallback: 'refuse',
    parse: oneOf(['refuse', 'anew']),
    unit: 'word',
    more: '`anew` deletes what the report has stored; use it for one start',
    less: '`refuse` stops the start and says which report has changed',
  },
  /** Whether to keep every message. */
  archive: {
    flag: 'archive',
    summary: 'keep every message, with its body and client address, as Parquet files',
    fallback: 'false',
    parse: switchValue,
    unit: 'switch',
    more: 'keeps every message ([Archive](archive.md)); answers wait for the body, and a worker handles fewer requests/s',
    less: 'keeps counts only; bodies are not read',
  },
  /** In bytes. */
  archiveMaxBytes: {
    flag: 'archive-max-bytes',
    summary: 'size limit of the archive; the oldest files go first: a number and MB or GB',
    value: 'SIZE',
    fallback: '10GB',
    // A smaller archive would hold no more than a few segments.
    parse: size('200MB', '1000000GB'),
    unit: 'size',
    more: 'a message takes 4 to 10 bytes: 10 GB is five days at 5,000 messages/s',
    less: 'the oldest files are deleted sooner',
  },
  /** In milliseconds; Infinity means forever. */
  archiveMaxAge: {
    flag: 'archive-max-age',
    summary: 'how long to keep messages: a number and h, d or y, or forever',
    value: 'TIME',
    fallback: 'forever',
    // A file covers an hour.
    parse: duration('1h'),
    unit: 'time',
    less: 'older messages are deleted, an hour at a time',
  },
} as const satisfies SettingTable;
