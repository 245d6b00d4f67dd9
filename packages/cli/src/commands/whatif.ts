import { Command } from '@oclif/core';
import { whatIfFlags } from '../flags.ts';
import { oclifFlags } from '../oclif-flags.ts';
import { askWhatIf } from '../what-if.ts';

export default class WhatIf extends Command {
  static override readonly summary =
    'Say what a server of a given capacity would have made of a range, and which limits fit it';
  static override readonly description =
    'Sends the 10 ms windows of the newest minute, or of the range, through a queue that serves N requests a second: its longest backlog, and how long messages waited. And the smallest token buckets that would have let everything pass, with lines for nginx and haproxy. csv and ndjson print the buckets, one a line. docs/bursts.md has the model.';
  static override readonly flags = oclifFlags(whatIfFlags);
  static override readonly examples = [
    { description: 'The newest minute', command: '<%= config.bin %> whatif --capacity 6000' },
    {
      description: 'Buckets of other rates, over the last hour',
      command: '<%= config.bin %> whatif --capacity 6000 --rates 5000,5500,7000 --from 1h',
    },
    {
      description: 'What a stopped server has counted',
      command: '<%= config.bin %> whatif --capacity 6000 --data-dir ./data',
    },
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(WhatIf);
    await askWhatIf(flags);
  }
}
