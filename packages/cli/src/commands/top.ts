import { Command } from '@oclif/core';
import { whoseOf } from '../answers.ts';
import { apiOptionsOf, topFlags } from '../flags.ts';
import { oclifFlags } from '../oclif-flags.ts';
import { top } from '../top/top.ts';

export default class Top extends Command {
  static override readonly summary = 'Show live how many messages come, and how the server does';
  static override readonly description =
    'The rate, each second of the last minute, its peak 10 ms windows, how long messages take until their window is final, the share of each worker, and of each node where the server adds up a cluster; with --cluster the counts are those of all nodes. q quits; a server that restarts is waited for. Without a terminal it prints one picture and ends; with --json its figures, in messages a second and milliseconds. No colours with NO_COLOR.';
  static override readonly flags = oclifFlags(topFlags);
  static override readonly examples = [
    '<%= config.bin %> top',
    {
      description: 'Another server, with its token',
      command: '<%= config.bin %> top --url http://10.0.0.9:8081 --token-file ./token',
    },
    { description: 'All nodes together', command: '<%= config.bin %> top --cluster' },
    { description: 'One picture, for a report', command: '<%= config.bin %> top > top.txt' },
    { description: 'Its figures, for a script', command: '<%= config.bin %> top --json' },
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(Top);
    await top(apiOptionsOf(flags), whoseOf(flags).scope, flags.json);
  }
}
