import { Args, Command } from '@oclif/core';
import { formatNames, parsePeriod } from '@reto3/core';
import { apiFlags, apiOptionsOf, type FlagTable, formatOf, rangeFlags } from '../flags.ts';
import { oclifFlags } from '../oclif-flags.ts';
import { writeDifferences, writeReplay } from '../replay.ts';

const table = {
  ...rangeFlags,
  diff: {
    description:
      'print the windows that are stored otherwise than they are replayed, and exit with 5 if there are any',
  },
  report: { description: 'module of the report, where its name is given', value: 'MODULE' },
  format: { description: 'form of the output', usual: 'text', value: formatNames.join('|') },
  json: { description: 'the same as --format json' },
  'data-dir': {
    description: 'data folder with the archive; a server may be writing to it',
    fallback: './data',
    env: 'RETO3_DATA_DIR',
    value: 'FOLDER',
  },
  ...apiFlags,
} as const satisfies FlagTable;
const flags = oclifFlags(table);

export default class Replay extends Command {
  static override readonly summary = 'Run a report over the archive';
  static override readonly description =
    'Any report, also one that was written today, over every message that reto3 serve --archive kept. Prints what reto3 report prints: one line for each row, oldest first. --diff holds that against what is stored, in the data folder or by the server that holds it, which is then asked at --url. Left out is what only one of the two can have: what is on its way into the archive, what retention has deleted, and without --from what came before the archive begins.';
  static override readonly args = {
    report: Args.string({
      description: 'count, lag, generated, top, sizes, or the path of a module',
      required: true,
    }),
    period: Args.string({
      description:
        'sec, min or ms10, as far as the report keeps it; by default sec, or the shortest',
    }),
  };
  static override readonly flags = flags;
  static override readonly examples = [
    {
      description: 'Whether the counts are what the archive says, window by window',
      command: '<%= config.bin %> replay count ms10 --diff',
    },
    {
      description: 'A report that did not exist when the messages came',
      command: '<%= config.bin %> replay ./methods.mjs min --from 2016-05-28',
    },
  ];

  async run(): Promise<void> {
    const { args, flags: given } = await this.parse({ args: Replay.args, flags });
    const question = {
      name: args.report,
      module: given.report,
      period: args.period === undefined ? undefined : parsePeriod(args.period).name,
      from: given.from,
      to: given.to,
      format: formatOf(formatNames, 'text', given),
      dataDir: given['data-dir'],
      api: apiOptionsOf(given),
    };
    await (given.diff ? writeDifferences : writeReplay)(question, process.stdout);
  }
}
