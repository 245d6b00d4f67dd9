import { parsePeriod, periodNames, sec } from '@reto3/core';
import { defineCommand } from '../command.ts';
import { statsFlags } from '../flags.ts';
import { stats } from '../stats.ts';

export default defineCommand({
  summary: 'Print how many messages arrived in each window',
  description:
    'Prints one line per window, oldest first: its start (UTC), a comma, its count. Only final windows, including zeros; time in which no server counted has no lines. JSON and NDJSON mark what was counted in part, as at a start; for text and CSV, a line on stderr names it. Exit code 4: nothing was counted in that range.',
  args: {
    period: {
      description: `${periodNames.join(', ')}; also 10ms, 1s, 1m, second, minute`,
      fallback: sec.name,
    },
  },
  flags: statsFlags,
  examples: [
    { description: 'The newest 60 seconds', command: 'reto3 stats' },
    {
      description: 'The last five minutes in windows of 10 ms, as CSV',
      command: 'reto3 stats ms10 --from 5m --format csv',
    },
    {
      description: 'One hour of one day',
      command: 'reto3 stats min --from 2016-05-28T11:00Z --to 2016-05-28T12:00Z',
    },
    { description: 'The counts of a stopped server', command: 'reto3 stats min --data-dir ./data' },
    {
      description: 'A chart of the last ten minutes',
      command: 'reto3 stats sec --from 10m --chart',
    },
    {
      description: 'An access log, without a server',
      command: 'reto3 stats ms10 --log access.log',
    },
    { description: 'Follow new windows', command: 'reto3 stats sec --follow' },
  ],
  run: (flags, args) => stats(parsePeriod(args.period).name, flags),
});
