import { sourceOf } from '../answers.ts';
import { defineCommand } from '../command.ts';
import {
  formatOf,
  logFlags,
  messageRangeFlags,
  outputFlags,
  sourceFlags,
  targetOf,
} from '../flags.ts';
import { logSourceOf } from '../log-source.ts';
import { keepFilesPrivate } from '../private-files.ts';
import { query, queryFormats, queryLogs, readSql } from '../query.ts';

export default defineCommand({
  summary: 'Query the archive with SQL',
  description:
    "Runs one SELECT in DuckDB's SQL over messages (arrived, worker, method, path, query, body, text, body_bytes, host, client, status, duration_ms, source) and counts (period, start, count, partial). Asks a server on this machine that runs with --archive, or reads a folder with --data-dir, or logs with --log. Read-only.",
  args: {
    sql: { description: 'the statement; - reads it from stdin' },
  },
  flags: {
    file: { description: 'read the statement from this file', value: 'FILE' },
    ...messageRangeFlags,
    format: { description: 'output format', shownDefault: 'table', value: queryFormats.join('|') },
    json: { description: 'same as --format json' },
    ...outputFlags,
    explain: { description: 'print the query plan of DuckDB instead of running the query' },
    ...sourceFlags,
    ...logFlags,
  },
  examples: [
    {
      description: 'The slowest paths of a log',
      command:
        'reto3 query "SELECT path, quantile_cont(duration_ms, 0.99) AS p99 FROM messages GROUP BY path ORDER BY p99 DESC LIMIT 10" --log access.log',
    },
    {
      description: 'The busiest paths',
      command:
        'reto3 query "SELECT path, count(*) AS count FROM messages GROUP BY path ORDER BY count DESC LIMIT 10"',
    },
    {
      description: 'Messages in each 10 ms of the last five minutes, as CSV',
      command:
        'reto3 query "SELECT time_bucket(INTERVAL 10 MILLISECONDS, arrived) AS start, count(*) AS count FROM messages GROUP BY start ORDER BY start" --from 5m --format csv',
    },
    {
      description: 'The messages of one hour, as a Parquet file',
      command:
        'reto3 query "SELECT * FROM messages" --from 2016-05-28T11:00 --to 2016-05-28T12:00 --format parquet --output hour.parquet',
    },
  ],
  run: async (flags, args) => {
    // The answer may contain message bodies.
    keepFilesPrivate();
    const { from, to, explain = false } = flags;
    const format = formatOf(queryFormats, 'table', flags);
    // A plan is text, whatever the format.
    const target = targetOf(explain ? 'table' : format, flags);
    const sql = await readSql(args.sql, flags.file);
    const question = { sql, target, from, to, explain };
    const logs = logSourceOf(flags);
    if (logs === undefined) await query(sourceOf(flags), question);
    else await queryLogs(logs, question);
  },
});
