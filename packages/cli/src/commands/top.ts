import { scopeOf } from '../answers.ts';
import { defineCommand } from '../command.ts';
import { apiOptionsOf, topFlags } from '../flags.ts';
import { top } from '../top/top.ts';

export default defineCommand({
  summary: 'Watch the message rate and the state of a server live',
  description:
    'Shows the rate, each second of the last minute, its peak 10 ms windows, how long a message takes until its window is final, the share of each worker and, if the server merges a cluster, of each node; with --cluster the counts of all nodes. Press q to quit. It waits for a server that restarts. Without a terminal it prints once and exits; --json prints the figures, in messages per second and milliseconds. NO_COLOR switches colours off.',
  args: {},
  flags: topFlags,
  examples: [
    'reto3 top',
    {
      description: 'Another server, with its token',
      command: 'reto3 top --url http://10.0.0.9:8081 --token-file ./token',
    },
    { description: 'All nodes together', command: 'reto3 top --cluster' },
    { description: 'Print once, into a file', command: 'reto3 top > top.txt' },
    { description: 'The figures, for a script', command: 'reto3 top --json' },
  ],
  run: (flags) => top(apiOptionsOf(flags), scopeOf(flags).scope, flags.json ?? false),
});
