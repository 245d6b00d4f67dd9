import { parsePeriod, Reto3Error } from '@reto3/core';
import { sourceOf } from '../answers.ts';
import { assertWritable } from '../atomic-file.ts';
import { defineCommand } from '../command.ts';
import { apiOptionsOf, formatOf, listFlags, logFlags, outputFlags, targetOf } from '../flags.ts';
import { withKeptLogs } from '../kept-logs.ts';
import { logSourceOf } from '../log-source.ts';
import {
  checkOfMessages,
  followReport,
  hasMessagesOnly,
  writeOfMessages,
  writeReport,
} from '../report.ts';
import { columnsIn, columnsOfModule, reportFormats, writeRows } from '../report-file.ts';

export default defineCommand({
  summary: 'Print the rows of a report',
  description:
    'Prints one line per row, oldest first: the start of its window (UTC) and the columns. Only final windows; a window without rows has no line. JSON and NDJSON mark what was counted in part, as at a start; for the other formats, a line on stderr names it. For logs, and for folders from reto3 import --keep, the report is computed now. reto3 reports lists names and columns.',
  args: {
    name: { description: 'name of a report; see reto3 reports', required: true },
    period: {
      description: 'sec, min or ms10, if the report keeps it; default: sec, or the shortest',
    },
  },
  flags: {
    ...listFlags,
    ...logFlags,
    format: { ...listFlags.format, value: reportFormats.join('|') },
    ...outputFlags,
    every: {
      description: 'windows of this length, merged from stored ones, such as 5m',
      value: 'TIME',
    },
    total: { description: 'one window over all of the range' },
    report: {
      description: 'with --data-dir: module of a report that does not come with reto3',
      value: 'MODULE',
    },
  },
  examples: [
    { description: 'How long messages took to arrive', command: 'reto3 report lag' },
    {
      description: 'The last hour by the time that messages were generated, as CSV',
      command: 'reto3 report generated ms10 --from 1h --format csv',
    },
    {
      description: 'The busiest paths of this minute so far',
      command: 'reto3 report top min --last 1 --open',
    },
    {
      description: 'Percentiles of each five minutes, and of the whole day',
      command: 'reto3 report lag --every 5m --from 1d && reto3 report lag min --total --from 1d',
    },
    {
      description: 'A day of a report as a Parquet file',
      command: 'reto3 report by:path --from 1d --format parquet --output paths.parquet',
    },
    { description: 'Follow a report', command: 'reto3 report lag sec --follow' },
  ],
  run: async (flags, args) => {
    const { last, from, to, open, cluster, every, total, follow } = flags;
    const target = targetOf(formatOf(reportFormats, 'text', flags), flags);
    const { format, output } = target;
    const question = {
      name: args.name,
      period: args.period === undefined ? undefined : parsePeriod(args.period).name,
      ...{ last, from, to, open, cluster, every, total, follow },
      module: flags.report,
      notesPartial: format !== 'json' && format !== 'ndjson',
    };
    if (follow && output !== undefined)
      throw new Reto3Error('RETO3_BAD_FLAG', 'got --follow and a file to write', {
        hint: 'leave one of them out; a shell can redirect what --follow prints',
      });
    const api = apiOptionsOf(flags);
    const ofMessages = (dataDir: string): Promise<void> =>
      writeRows(
        target,
        () => columnsOfModule(question),
        (form, into) => writeOfMessages({ ...question, format: form, dataDir, api }, into),
      );
    const logs = logSourceOf(flags);
    if (logs !== undefined) {
      // Checked first, because reading logs may take long.
      await checkOfMessages(question, logs.logs[0]);
      await assertWritable(output);
      return withKeptLogs(logs, ofMessages);
    }
    const source = sourceOf(flags);
    if ('dataDir' in source && (await hasMessagesOnly(source.dataDir, question))) {
      await checkOfMessages(question);
      await ofMessages(source.dataDir);
    } else if (follow && format !== 'parquet')
      await followReport(source, { ...question, format }, process.stdout);
    else
      await writeRows(
        target,
        () => columnsIn(source, question),
        (form, into) => writeReport(source, { ...question, format: form }, into),
      );
  },
});
