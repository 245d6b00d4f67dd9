import { parsePeriod } from '@reto3/core';
import { countsSourceOf, writeAnswer } from '../answers.ts';
import { writeFileAtomically } from '../atomic-file.ts';
import { defineCommand } from '../command.ts';
import {
  formatOf,
  logFlags,
  outputFlags,
  rangeFlags,
  scopeFlags,
  sourceFlags,
  targetOf,
} from '../flags.ts';

const exportFormats = ['csv', 'json', 'ndjson'] as const;

export default defineCommand({
  summary: 'Write a range of windows as CSV, JSON or NDJSON',
  description:
    'Writes all final windows of the period if you give no range. With --output the file appears once it is complete: not if a part of the range is damaged, and not if nothing was counted.',
  args: {
    period: { description: 'ms10, sec or min', required: true },
  },
  flags: {
    last: { char: 'n', description: 'the newest N windows', value: 'N' },
    ...rangeFlags,
    open: { description: 'include windows that are not final yet' },
    format: { description: 'output format', shownDefault: 'csv', value: exportFormats.join('|') },
    json: { description: 'same as --format json' },
    ...scopeFlags,
    ...outputFlags,
    ...sourceFlags,
    ...logFlags,
  },
  examples: [
    {
      description: 'One day of 10 ms windows',
      command: 'reto3 export ms10 --from 2016-05-28 --to 2016-05-29 --output 2016-05-28.csv',
    },
    {
      description: 'All minutes of a stopped server',
      command: 'reto3 export min --format ndjson --data-dir ./data',
    },
  ],
  run: async (flags, args) => {
    const { format, output } = targetOf(formatOf(exportFormats, 'csv', flags), flags);
    const { last, to, open, cluster, node } = flags;
    const from = flags.from ?? (last === undefined ? '0' : undefined);
    const { name: period } = parsePeriod(args.period);
    const question = { period, format, last, from, to, open, cluster, node };
    const source = countsSourceOf(flags);
    if (output === undefined) await writeAnswer(source, question, process.stdout);
    else await writeFileAtomically(output, 'umask', (into) => writeAnswer(source, question, into));
  },
});
