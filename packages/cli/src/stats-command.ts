/**
 * What the three stats commands have in common: flags, one question, its answer on stdout.
 */
import { once } from 'node:events';
import { Command, Flags } from '@oclif/core';
import { exitCode, Reto3Error } from '@reto3/server/errors';
import { type PeriodName, periods } from '@reto3/server/period';
import {
  csvHeader,
  type FormatName,
  formatNames,
  formatRows,
  parseFormat,
} from '@reto3/server/query/format';
import { type Asked, type Source, sourceOf, writeAnswer } from './answers.ts';
import { follow } from './events.ts';
import { rangeFlags, sourceFlags } from './flags.ts';

const statsFlags = {
  last: Flags.string({
    description: 'the newest N windows (default: 100 of ms10, 60 of sec and min)',
    helpValue: 'N',
  }),
  ...rangeFlags,
  follow: Flags.boolean({
    char: 'f',
    description: 'print the windows as they become final, until interrupted',
  }),
  open: Flags.boolean({ description: 'include the windows that are not final yet' }),
  format: Flags.string({
    description: formatNames.join(', '),
    default: 'text',
    helpValue: 'FORMAT',
  }),
  json: Flags.boolean({
    description: 'the same as --format json; with --follow one object a line',
  }),
  ...sourceFlags,
};

export function statsExamples(period: PeriodName): Command.Example[] {
  return [
    { description: 'The newest windows', command: `<%= config.bin %> stats ${period}` },
    {
      description: 'The last five minutes as CSV',
      command: `<%= config.bin %> stats ${period} --from 5m --format csv`,
    },
    {
      description: 'One hour of one day',
      command: `<%= config.bin %> stats ${period} --from 2016-05-28T11:00Z --to 2016-05-28T12:00Z`,
    },
    {
      description: 'What a stopped server has counted',
      command: `<%= config.bin %> stats ${period} --data-dir ./data`,
    },
    { description: 'As they come', command: `<%= config.bin %> stats ${period} --follow` },
  ];
}

export abstract class StatsCommand extends Command {
  static override readonly flags = statsFlags;
  protected abstract readonly period: PeriodName;

  async run(): Promise<void> {
    const { flags } = await this.parse({ flags: statsFlags });
    const format = parseFormat(flags.json ? 'json' : flags.format);
    const source = sourceOf(flags);
    if (flags.follow) await this.#follow(source, flags, format);
    else await writeAnswer(source, { ...flags, period: this.period, format }, process.stdout);
  }

  async #follow(source: Source, asked: Asked, format: FormatName): Promise<void> {
    if ('dataDir' in source) {
      throw new Reto3Error(
        'RETO3_BAD_RANGE',
        'got --follow with --data-dir, where nothing is being counted',
        { hint: 'follow a server, with --url' },
      );
    }
    if (asked.to !== undefined || asked.open) {
      throw new Reto3Error(
        'RETO3_BAD_RANGE',
        'got --follow with --to or --open, which it cannot have',
        {
          hint: 'leave --to and --open out, or --follow',
        },
      );
    }
    process.once('SIGINT', () => process.exit(exitCode.interrupted));
    const rowFormat = format === 'json' ? 'ndjson' : format;
    let { from } = asked;
    if (asked.last !== undefined) {
      const question = { ...asked, period: this.period, format: rowFormat };
      from = await writeAnswer(source, question, process.stdout);
    } else if (rowFormat === 'csv') process.stdout.write(csvHeader);
    const period = periods[this.period];
    for await (const chunk of follow(source, period, from)) {
      if (!process.stdout.write(formatRows(rowFormat, chunk, period)))
        await once(process.stdout, 'drain');
    }
  }
}
