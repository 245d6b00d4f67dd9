import { Args, Command, Flags } from '@oclif/core';
import { sourceOf } from '../answers.ts';
import { formatOf, messageRangeFlags, outputFlags, sourceFlags } from '../flags.ts';
import { oclifFlags } from '../oclif-flags.ts';
import { keepFilesPrivate } from '../private-files.ts';
import { query, queryFormats, readSql } from '../query.ts';

const flags = {
  file: Flags.string({ description: 'file with the statement', helpValue: 'FILE' }),
  ...oclifFlags(messageRangeFlags),
  format: Flags.string({
    description: 'form of the output',
    defaultHelp: async () => 'table',
    helpValue: queryFormats.join('|'),
  }),
  json: Flags.boolean({ description: 'the same as --format json' }),
  ...oclifFlags(outputFlags),
  explain: Flags.boolean({ description: 'print how DuckDB would answer, and do not' }),
  ...oclifFlags(sourceFlags),
};

export default class Query extends Command {
  static override readonly summary = 'Ask the archive with SQL';
  static override readonly description =
    "One SELECT over messages (arrived, worker, method, path, query, body, text, body_bytes) and counts (period, start, count), in DuckDB's SQL. For a server on this machine that runs with --archive, or with --data-dir for a folder. Read only.";
  static override readonly args = {
    sql: Args.string({ description: 'the statement; - reads it from stdin', ignoreStdin: true }),
  };
  static override readonly flags = flags;
  static override readonly examples = [
    {
      description: 'The busiest paths',
      command:
        '<%= config.bin %> query "SELECT path, count(*) AS count FROM messages GROUP BY path ORDER BY count DESC LIMIT 10"',
    },
    {
      description: 'Messages in each 10 ms of the last five minutes, as CSV',
      command:
        '<%= config.bin %> query "SELECT time_bucket(INTERVAL 10 MILLISECONDS, arrived) AS start, count(*) AS count FROM messages GROUP BY start ORDER BY start" --from 5m --format csv',
    },
    {
      description: 'What came between two times, as a Parquet file',
      command:
        '<%= config.bin %> query "SELECT * FROM messages" --from 2016-05-28T11:00 --to 2016-05-28T12:00 --format parquet --output hour.parquet',
    },
  ];

  async run(): Promise<void> {
    const { args, flags: given } = await this.parse({ args: Query.args, flags });
    // Its answer may hold bodies of messages.
    keepFilesPrivate();
    const format = formatOf(queryFormats, 'table', given);
    const { from, to, output, explain } = given;
    const sql = await readSql(args.sql, given.file);
    await query(sourceOf(given), { sql, format, from, to, output, explain });
  }
}
