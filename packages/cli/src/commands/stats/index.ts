import { Args, Command } from '@oclif/core';
import { Reto3Error } from '@reto3/server/errors';
import { parsePeriod, periodNames } from '@reto3/server/period';

export default class Stats extends Command {
  static override readonly summary = 'Print how many messages came in each window of a period';
  static override readonly usage = periodNames.map((name) => `stats ${name}`);
  static override readonly examples = ['<%= config.bin %> stats sec --last 5'];
  static override readonly args = { period: Args.string({ hidden: true }) };

  /** Runs only where no command of that period exists. */
  async run(): Promise<never> {
    const { args } = await this.parse(Stats);
    if (args.period !== undefined) parsePeriod(args.period);
    throw new Reto3Error(
      'RETO3_BAD_PERIOD',
      `got no period, want one of ${periodNames.join(', ')}`,
    );
  }
}
