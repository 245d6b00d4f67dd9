/** What the three stats commands of oclif have in common. */
import { Command } from '@oclif/core';
import type { PeriodName } from '@reto3/server/period';
import { statsFlags } from './flags.ts';
import { oclifFlags } from './oclif-flags.ts';
import { stats } from './stats.ts';

const flags = oclifFlags(statsFlags);

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
    {
      description: 'A chart of the last ten minutes',
      command: `<%= config.bin %> stats ${period} --from 10m --chart`,
    },
    { description: 'As they come', command: `<%= config.bin %> stats ${period} --follow` },
  ];
}

export abstract class StatsCommand extends Command {
  static override readonly flags = flags;
  protected abstract readonly period: PeriodName;

  async run(): Promise<void> {
    const { flags: given } = await this.parse({ flags });
    await stats(this.period, given);
  }
}
