import { formatNames, parsePeriod } from '@reto3/core';
import { sourceOf } from '../answers.ts';
import { defineCommand } from '../command.ts';
import { apiOptionsOf, formatOf, listFlags, logFlags } from '../flags.ts';
import { withKeptLogs } from '../kept-logs.ts';
import { logSourceOf } from '../log-source.ts';
import { followReport, hasMessagesOnly, writeOfMessages, writeReport } from '../report.ts';

export default defineCommand({
  summary: 'Print the rows of a report',
  description:
    'Prints one line per row, oldest first: the start of its window (UTC) and the columns. Only final windows; a window without rows has no line. Of logs, and of a folder that an import kept messages in, the report is made now. reto3 reports lists names and columns.',
  args: {
    name: { description: 'name of a report; see reto3 reports', required: true },
    period: {
      description: 'sec, min or ms10, if the report keeps it; default: sec, or the shortest',
    },
  },
  flags: {
    ...listFlags,
    ...logFlags,
    every: {
      description: 'windows of this length, merged of those that are kept, such as 5m',
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
    { description: 'Follow a report', command: 'reto3 report lag sec --follow' },
  ],
  run: async (flags, args) => {
    const { last, from, to, open, cluster, every, total, follow } = flags;
    const question = {
      name: args.name,
      period: args.period === undefined ? undefined : parsePeriod(args.period).name,
      format: formatOf(formatNames, 'text', flags),
      ...{ last, from, to, open, cluster, every, total, follow },
      module: flags.report,
    };
    const api = apiOptionsOf(flags);
    const ofMessages = (dataDir: string): Promise<void> =>
      writeOfMessages({ ...question, dataDir, api }, process.stdout);
    const logs = logSourceOf(flags);
    if (logs !== undefined) return withKeptLogs(logs, ofMessages);
    const source = sourceOf(flags);
    const isMade = 'dataDir' in source && (await hasMessagesOnly(source.dataDir, question));
    if (isMade) await ofMessages(source.dataDir);
    else if (follow) await followReport(source, question, process.stdout);
    else await writeReport(source, question, process.stdout);
  },
});
