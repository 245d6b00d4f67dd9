import { Args, Command, Flags } from '@oclif/core';
import { parsePeriod } from '@reto3/core';
import { countsSourceOf, writeAnswer } from '../answers.ts';
import { formatOf, logFlags, outputFlags, rangeFlags, sourceFlags, whoseFlags } from '../flags.ts';
import { oclifFlags } from '../oclif-flags.ts';
import { writeWhole } from '../whole-file.ts';

const exportFormats = ['csv', 'json', 'ndjson'] as const;

const flags = {
  last: Flags.string({ char: 'n', description: 'the newest N windows', helpValue: 'N' }),
  ...oclifFlags(rangeFlags),
  open: Flags.boolean({ description: 'include the windows that are not final yet' }),
  format: Flags.string({
    description: 'form of the output',
    defaultHelp: async () => 'csv',
    helpValue: exportFormats.join('|'),
  }),
  json: Flags.boolean({ description: 'the same as --format json' }),
  ...oclifFlags(whoseFlags),
  ...oclifFlags(outputFlags),
  ...oclifFlags(sourceFlags),
  ...oclifFlags(logFlags),
};

export default class Export extends Command {
  static override readonly summary = 'Write a range of windows as CSV, JSON or NDJSON';
  static override readonly description =
    'All final windows of the period where no range is given. With --output the file appears when it is complete: not if a part of it is damaged, and not if nothing was counted.';
  static override readonly args = {
    period: Args.string({ description: 'ms10, sec or min', required: true }),
  };
  static override readonly flags = flags;
  static override readonly examples = [
    {
      description: 'One day of 10 ms windows',
      command:
        '<%= config.bin %> export ms10 --from 2016-05-28 --to 2016-05-29 --output 2016-05-28.csv',
    },
    {
      description: 'All minutes of a stopped server',
      command: '<%= config.bin %> export min --format ndjson --data-dir ./data',
    },
  ];

  async run(): Promise<void> {
    const { args, flags: given } = await this.parse({ args: Export.args, flags });
    const format = formatOf(exportFormats, 'csv', given);
    const { last, to, open, cluster, node, output } = given;
    const from = given.from ?? (last === undefined ? '0' : undefined);
    const { name: period } = parsePeriod(args.period);
    const question = { period, format, last, from, to, open, cluster, node };
    const source = countsSourceOf(given);
    if (output === undefined) await writeAnswer(source, question, process.stdout);
    else await writeWhole(output, 'umask', (into) => writeAnswer(source, question, into));
  }
}
