/** The load of the challenge: 5,000 requests/s, from Tsung if it is installed. */
import type { Bench } from '../bench.ts';
import { runSteady, steady } from './steady.ts';
import { runTsung, tsungIsInstalled } from './tsung.ts';

export const challengeRate = 5_000;

function usesTsung({ plan }: Bench): boolean {
  return plan.tsung && tsungIsInstalled();
}

/** Describes the source of the load, for the page. */
export function challengeSource(bench: Bench): string {
  return usesTsung(bench) ? 'Tsung' : 'the generator at a fixed rate (not Tsung)';
}

/** Runs the load to its end and returns the number of answered requests. */
export async function runChallenge(
  bench: Bench,
  { port }: { readonly port: number },
  seconds: number,
): Promise<number> {
  const cores = bench.placement.load;
  return usesTsung(bench)
    ? runTsung({ port, requestsPerSecond: challengeRate, seconds, cores })
    : (await runSteady(steady(port, challengeRate, seconds), cores)).answered;
}
