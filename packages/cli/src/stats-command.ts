/**
 * What the three stats commands have in common: flags, one question to the server, its answer on
 * stdout.
 */
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
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
import { describe } from '@reto3/server/store/damage';
import { type ApiOptions, answerCut, request } from './api-client.ts';
import { follow } from './events.ts';
import { apiFlags, apiOptionsOf } from './flags.ts';

const times = 'ISO 8601 (UTC), epoch ms, or an age such as 90s, 5m, 2h, 1d';

const statsFlags = {
  last: Flags.string({
    description: 'the newest N windows (default: 100 of ms10, 60 of sec and min)',
    helpValue: 'N',
  }),
  from: Flags.string({
    description: `windows that start at or after this time: ${times}`,
    helpValue: 'TIME',
  }),
  to: Flags.string({ description: 'windows that start before this time', helpValue: 'TIME' }),
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
  ...apiFlags,
};

interface Asked {
  readonly last?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly open: boolean;
}

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
    { description: 'As they come', command: `<%= config.bin %> stats ${period} --follow` },
  ];
}

export abstract class StatsCommand extends Command {
  static override readonly flags = statsFlags;
  protected abstract readonly period: PeriodName;

  async run(): Promise<void> {
    const { flags } = await this.parse({ flags: statsFlags });
    const format = parseFormat(flags.json ? 'json' : flags.format);
    const api = apiOptionsOf(flags);
    if (flags.follow) await this.#follow(api, flags, format);
    else await this.#print(api, flags, format);
  }

  /** Prints a range; resolves with where it ends, epoch ms as text. */
  async #print(api: ApiOptions, asked: Asked, format: FormatName): Promise<string> {
    const { last, from, to, open } = asked;
    const query = { last, from, to, ...(open && { open: 'true' }), format };
    const response = await request(api, `/v1/stats/${this.period}`, query);
    await pipeline(response, process.stdout, { end: false }).catch((error: unknown) => {
      throw answerCut(api, error);
    });
    assertUndamaged(this.period, response.trailers['reto3-damaged']);
    if (response.headers['reto3-empty'] === 'true') {
      throw new Reto3Error('RETO3_NO_DATA', 'nothing was counted in that range');
    }
    return String(response.headers['reto3-to']);
  }

  async #follow(api: ApiOptions, asked: Asked, format: FormatName): Promise<void> {
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
    if (asked.last !== undefined) from = await this.#print(api, asked, rowFormat);
    else if (rowFormat === 'csv') process.stdout.write(csvHeader);
    const period = periods[this.period];
    for await (const chunk of follow(api, period, from)) {
      if (!process.stdout.write(formatRows(rowFormat, chunk, period)))
        await once(process.stdout, 'drain');
    }
  }
}

/**
 * The server says at the end of its answer what it had to leave out.
 * @throws Reto3Error RETO3_BLOCK_DAMAGED
 */
function assertUndamaged(period: PeriodName, trailer: string | undefined): void {
  const damages: { from: number; to: number; reason: string }[] = JSON.parse(trailer ?? '[]');
  const [first, ...others] = damages;
  if (first === undefined) return;
  const more = others.length === 0 ? '' : `, and ${others.length} more places`;
  throw new Reto3Error('RETO3_BLOCK_DAMAGED', `${describe({ series: period, ...first })}${more}`);
}
