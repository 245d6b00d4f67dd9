import { Args, Command } from '@oclif/core';
import { formatNames, parsePeriod, Reto3Error } from '@reto3/core';
import { sourceOf } from '../answers.ts';
import { leaveWhenStopped } from '../clean-up.ts';
import { type FlagTable, formatOf, listFlags } from '../flags.ts';
import { oclifFlags } from '../oclif-flags.ts';
import { followReport, writeReport } from '../report.ts';

const table = {
  ...listFlags,
  report: {
    description: 'with --data-dir: module of the report, where it is none that comes with reto3',
    value: 'MODULE',
  },
} as const satisfies FlagTable;
const flags = oclifFlags(table);

export default class Report extends Command {
  static override readonly summary = 'Print what a report says of each window';
  static override readonly description =
    'One line for each row, oldest first: the start of its window (UTC) and the columns. Windows that are final only; a window in which the report has nothing has no line. See reto3 reports for names and columns.';
  static override readonly args = {
    name: Args.string({ description: 'one of reto3 reports', required: true }),
    period: Args.string({
      description:
        'sec, min or ms10, as far as the report keeps it; by default sec, or the shortest',
    }),
  };
  static override readonly flags = flags;
  static override readonly examples = [
    { description: 'How long messages were on their way', command: '<%= config.bin %> report lag' },
    {
      description: 'The last hour by the time that messages were generated, as CSV',
      command: '<%= config.bin %> report generated ms10 --from 1h --format csv',
    },
    {
      description: 'The busiest paths of this minute so far',
      command: '<%= config.bin %> report top min --last 1 --open',
    },
    { description: 'As they come', command: '<%= config.bin %> report lag sec --follow' },
  ];

  async run(): Promise<void> {
    const { args, flags: given } = await this.parse({ args: Report.args, flags });
    const { last, from, to, open, follow, cluster } = given;
    const format = formatOf(formatNames, 'text', given);
    const period = args.period === undefined ? undefined : parsePeriod(args.period).name;
    const question = {
      name: args.name,
      period,
      format,
      last,
      from,
      to,
      open,
      cluster,
      module: given.report,
    };
    const source = sourceOf(given);
    if (!follow) {
      await writeReport(source, question, process.stdout);
      return;
    }
    if ('dataDir' in source || to !== undefined || open) {
      throw new Reto3Error(
        'RETO3_BAD_RANGE',
        'got --follow with --data-dir, --to or --open, which it cannot have',
        { hint: 'leave them out, or --follow' },
      );
    }
    leaveWhenStopped();
    const rowFormat = format === 'json' ? 'ndjson' : format;
    await followReport(source, { ...question, format: rowFormat }, process.stdout);
  }
}
