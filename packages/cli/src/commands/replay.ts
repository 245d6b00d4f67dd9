import { formatNames, parsePeriod } from '@reto3/core';
import { defineCommand } from '../command.ts';
import { apiFlags, apiOptionsOf, formatOf, rangeFlags } from '../flags.ts';
import { writeDifferences, writeReplay } from '../replay.ts';

export default defineCommand({
  summary: 'Run a report over the archive',
  description:
    'Runs any report, even one written today, over every message that reto3 serve --archive kept, and prints what reto3 report prints: one line per row, oldest first. --diff compares the result with what is stored, in the data folder or at the server that is using it (--url). It leaves out what only one side can have: messages on their way into the archive, what retention has deleted and, without --from, windows in which the archive begins.',
  args: {
    report: {
      description: 'count, lag, generated, top, sizes, by:KEY, or the path of a module',
      required: true,
    },
    period: {
      description: 'sec, min or ms10, if the report keeps it; default: sec, or the shortest',
    },
  },
  flags: {
    ...rangeFlags,
    diff: {
      description: 'print the windows whose stored and replayed rows differ; exit with 5 if any do',
    },
    every: {
      description: 'windows of this length, merged from those of the period, such as 5m',
      value: 'TIME',
    },
    total: { description: 'one window over all of the range' },
    report: { description: 'module that defines the report named', value: 'MODULE' },
    format: { description: 'output format', shownDefault: 'text', value: formatNames.join('|') },
    json: { description: 'same as --format json' },
    'data-dir': {
      description: 'data folder with the archive; a server may be using it',
      fallback: './data',
      env: 'RETO3_DATA_DIR',
      value: 'FOLDER',
    },
    ...apiFlags,
  },
  examples: [
    {
      description: 'Compare the counts with the archive, window by window',
      command: 'reto3 replay count ms10 --diff',
    },
    {
      description: 'A report that did not exist when the messages arrived',
      command: 'reto3 replay ./methods.mjs min --from 2016-05-28',
    },
  ],
  run: async (flags, args) => {
    const question = {
      name: args.report,
      module: flags.report,
      period: args.period === undefined ? undefined : parsePeriod(args.period).name,
      every: flags.every,
      total: flags.total,
      from: flags.from,
      to: flags.to,
      format: formatOf(formatNames, 'text', flags),
      dataDir: flags['data-dir'],
      api: apiOptionsOf(flags),
    };
    await (flags.diff ? writeDifferences : writeReplay)(question, process.stdout);
  },
});
