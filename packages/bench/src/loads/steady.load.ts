/** Program: `node steady.load.js OPTIONS` runs a steady load; steady.ts types its JSON. */
import { quantile } from '../statistics.ts';
import { followLive, openTotal, probeOpenCounts } from './delays.ts';
import { OpenLoop } from './open-loop.ts';
import type { Delay, SteadyOptions, SteadyResult } from './steady.ts';

const options: SteadyOptions = JSON.parse(process.argv[2] ?? '');
const { adminUrl } = options;
const load = await OpenLoop.open(options);
const done = new AbortController();
const watching =
  adminUrl === undefined
    ? undefined
    : Promise.all([
        probeOpenCounts(adminUrl, load, await openTotal(adminUrl), done.signal),
        followLive(adminUrl, done.signal),
      ]);
const { answered, latenciesMs, lagsMs } = await load.run();
done.abort();
const delays = await watching;

const result: SteadyResult = {
  answered,
  p50Ms: quantile(latenciesMs, 0.5),
  p99Ms: quantile(latenciesMs, 0.99),
  p999Ms: quantile(latenciesMs, 0.999),
  lagP99Ms: quantile(lagsMs, 0.99),
  ...(delays !== undefined && { visible: delayOf(delays[0]), live: delayOf(delays[1]) }),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit();

function delayOf(delaysMs: readonly number[]): Delay {
  return {
    p50Ms: quantile(delaysMs, 0.5),
    p99Ms: quantile(delaysMs, 0.99),
    samples: delaysMs.length,
  };
}
