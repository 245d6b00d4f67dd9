import { bursts } from '../bursts.ts';
import { defineCommand } from '../command.ts';
import { burstsFlags } from '../flags.ts';

export default defineCommand({
  summary: 'Measure how bursty a range was: peaks, bursts, stalls, beats',
  description:
    'Analyses the 10 ms windows of the newest minute, or of a range: the peak, peak-to-mean and index of dispersion (variance ÷ mean; 1 if clients are independent) at 10 ms, 100 ms and 1 s, quantiles, bursts, stalls, and beats (bursts that repeat). --who names the keys that are over-represented in each burst, from the archive or from logs. --expect compares them with the promise of a load generator: a constant rate, or independent clients (poisson). csv and ndjson print one burst per line. docs/bursts.md has the formulae.',
  args: {},
  flags: burstsFlags,
  examples: [
    { description: 'A whole access log', command: 'reto3 bursts --log access.log' },
    { description: 'The newest minute', command: 'reto3 bursts' },
    {
      description: 'Who was behind the bursts of the last hour',
      command: 'reto3 bursts --from 1h --who',
    },
    {
      description: 'Fail with exit code 5 if any 10 ms of the last hour had more than 500 messages',
      command: 'reto3 bursts --from 1h --fail-above 500',
    },
    {
      description: 'Whether a load generator kept its promise; exit code 5 if it did not',
      command: 'reto3 bursts --log results.jtl --expect constant --rate 500',
    },
    {
      description: 'Bursts of one day by your own thresholds, as CSV',
      command: 'reto3 bursts --from 2016-05-28 --to 2016-05-29 --rise 200 --fall 100 --format csv',
    },
  ],
  run: bursts,
});
