import { ask } from '@reto3/client';
import { askForget, askRepublish, clusterLines } from '../cluster.ts';
import { defineCommand } from '../command.ts';
import { apiFlags, apiOptionsOf } from '../flags.ts';
import { printLine } from '../terminal/standard-streams.ts';

export default defineCommand({
  summary: 'List the nodes of the cluster',
  description:
    'Prints one line per node: its state (live, silent: the cluster no longer waits for it, or left), its message rate and share over ten seconds, its lag, the offset of its clock, its boot, and its newest write. Ask a server that merges the cluster.',
  args: {},
  flags: {
    json: { description: 'print the whole answer as JSON' },
    republish: {
      description: 'read from every node what the merger lacks; never changes a correct count',
    },
    forget: {
      description: 'remove a retired node from the list; its counts stay',
      value: 'NODE',
    },
    ...apiFlags,
  },
  examples: [
    'reto3 cluster',
    'reto3 cluster --json --url http://10.0.0.1:8081',
    {
      description: 'A node that was removed for good',
      command: 'reto3 cluster --forget web-7',
    },
    { description: 'Repair whatever the merger lacks', command: 'reto3 cluster --republish' },
  ],
  run: async (flags) => {
    const api = apiOptionsOf(flags);
    if (flags.forget !== undefined) return askForget(api, flags.forget);
    if (flags.republish) return askRepublish(api);
    const cluster = await ask(api, '/v1/cluster');
    printLine(flags.json ? JSON.stringify(cluster) : clusterLines(cluster).join('\n'));
  },
});
