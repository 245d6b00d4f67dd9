import { Command } from '@oclif/core';
import { bursts } from '../bursts.ts';
import { burstsFlags } from '../flags.ts';
import { oclifFlags } from '../oclif-flags.ts';

export default class Bursts extends Command {
  static override readonly summary =
    'Say how bursty a range was: peaks, dispersion, bursts, stalls';
  static override readonly description =
    'Over the 10 ms windows of the newest minute, or of the range: the peak, peak-to-mean and index of dispersion (variance ÷ mean, 1 where clients are independent) at 10 ms, 100 ms and 1 s, quantiles, bursts and stalls. csv and ndjson print the bursts, one a line. docs/bursts.md has the formulae.';
  static override readonly flags = oclifFlags(burstsFlags);
  static override readonly examples = [
    { description: 'All of a log', command: '<%= config.bin %> bursts --log access.log' },
    { description: 'The newest minute', command: '<%= config.bin %> bursts' },
    {
      description: 'Fail, with exit code 5, where some 10 ms of the last hour had more than 500',
      command: '<%= config.bin %> bursts --from 1h --fail-above 500',
    },
    {
      description: 'Bursts of one day by thresholds of your own, as CSV',
      command:
        '<%= config.bin %> bursts --from 2016-05-28 --to 2016-05-29 --rise 200 --fall 100 --format csv',
    },
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(Bursts);
    await bursts(flags);
  }
}
