import { Args, Command } from '@oclif/core';
import { parsePeriod, periodNames, sec } from '@reto3/core';
import { statsFlags } from '../flags.ts';
import { oclifFlags } from '../oclif-flags.ts';
import { stats } from '../stats.ts';

const flags = oclifFlags(statsFlags);

export default class Stats extends Command {
  static override readonly summary = 'Print how many messages came in each window of a period';
  static override readonly description =
    'One line for each window, oldest first: its start (UTC), a comma, its count. Windows that are final only, zeros included; time that no server was counting has no lines. Exit code 4: nothing was counted in that range.';
  static override readonly args = {
    period: Args.string({
      description: `${periodNames.join(', ')}; also 10ms, 1s, 1m, second, minute`,
      default: sec.name,
    }),
  };
  static override readonly flags = flags;
  static override readonly examples = [
    { description: 'The newest 60 seconds', command: '<%= config.bin %> stats' },
    {
      description: 'The last five minutes in windows of 10 ms, as CSV',
      command: '<%= config.bin %> stats ms10 --from 5m --format csv',
    },
    {
      description: 'One hour of one day',
      command: '<%= config.bin %> stats min --from 2016-05-28T11:00Z --to 2016-05-28T12:00Z',
    },
    {
      description: 'What a stopped server has counted',
      command: '<%= config.bin %> stats min --data-dir ./data',
    },
    {
      description: 'A chart of the last ten minutes',
      command: '<%= config.bin %> stats sec --from 10m --chart',
    },
    {
      description: 'What an access log says, without a server',
      command: '<%= config.bin %> stats ms10 --log access.log',
    },
    { description: 'As they come', command: '<%= config.bin %> stats sec --follow' },
  ];

  async run(): Promise<void> {
    const { args, flags: given } = await this.parse({ args: Stats.args, flags });
    await stats(parsePeriod(args.period).name, given);
  }
}
