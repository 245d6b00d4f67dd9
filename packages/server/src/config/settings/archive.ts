/** Settings of what a worker does beside counting: reports, and the archive of every message. */
import type { SettingTable } from '../setting.ts';
import { keepingTime, reportNames, size, switchValue } from '../setting-values.ts';

export const archiveSettings = {
  /** Built-in names and paths of modules; undefined where no report runs. */
  report: {
    flag: 'report',
    summary:
      'report to run beside counting: lag, generated, top, sizes, or the path of a module; repeatable',
    value: 'REPORT',
    repeatable: true,
    fallback: undefined,
    parse: reportNames,
    unit: 'names, paths',
    more: "each says more of the messages and costs a worker's time ([reports.md](reports.md)); one that looks at bodies has every answer wait for the body",
    less: 'workers only count',
  },
  /** Whether every message is kept. */
  archive: {
    flag: 'archive',
    summary: 'keep every message: time, method, path, query and body, as Parquet files',
    fallback: 'false',
    parse: switchValue,
    unit: 'switch',
    more: 'every message is kept ([Archive](archive.md)); its answer waits for its body, and a worker takes fewer requests a second',
    less: 'counts only: the body is not read',
  },
  /** In bytes. */
  archiveMaxBytes: {
    flag: 'archive-max-bytes',
    summary: 'how large the archive may become before its oldest files go: a number and MB or GB',
    value: 'SIZE',
    fallback: '10GB',
    // Less than a few segments leaves nothing to read.
    parse: size('200MB', '1000000GB'),
    unit: 'size',
    more: '4 to 10 bytes a message of the load: 10 GB is five days at 5,000 messages/s',
    less: 'the oldest files go sooner',
  },
  /** How long messages are kept, in milliseconds; Infinity: for ever. */
  archiveMaxAge: {
    flag: 'archive-max-age',
    summary: 'how long messages are kept: a number and h, d or y, or forever',
    value: 'TIME',
    fallback: 'forever',
    // Files are of an hour.
    parse: keepingTime('1h'),
    unit: 'time',
    less: 'what is older goes, an hour at a time',
  },
} as const satisfies SettingTable;
