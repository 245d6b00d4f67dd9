import { defineCommand } from '../command.ts';
import { whatIfFlags } from '../flags.ts';
import { askWhatIf } from '../what-if.ts';

export default defineCommand({
  summary: 'Simulate a server of a given capacity, and find rate limits',
  description:
    'Sends the 10 ms windows of the newest minute, or of a range, through a queue that serves N requests per second, and prints its longest backlog and how long messages waited. Also finds the smallest token buckets that would have let everything pass, as configuration for nginx, haproxy, Envoy, Istio and Traefik. csv and ndjson print one bucket per line. docs/bursts.md describes the model.',
  args: {},
  flags: whatIfFlags,
  examples: [
    { description: 'The newest minute', command: 'reto3 whatif --capacity 6000' },
    {
      description: 'Buckets of other rates, over the last hour',
      command: 'reto3 whatif --capacity 6000 --rates 5000,5500,7000 --from 1h',
    },
    {
      description: 'The counts of a stopped server',
      command: 'reto3 whatif --capacity 6000 --data-dir ./data',
    },
  ],
  run: askWhatIf,
});
