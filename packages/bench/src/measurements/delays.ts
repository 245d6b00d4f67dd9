/** How late readers see a message, under the challenge's load. */
import type { Bench } from '../bench.ts';
import { challengeRate } from '../loads/challenge.ts';
import { type Delay, runSteady, steady } from '../loads/steady.ts';
import { withReto3 } from '../peers/reto3.ts';
import type { Finding } from '../result.ts';

export async function delays(bench: Bench): Promise<Finding[]> {
  const dataDir = await bench.folder();
  const options = { cores: bench.placement.server, workers: 1, dataDir };
  return withReto3(options, async (server) => {
    const watched = (seconds: number) =>
      runSteady(
        { ...steady(server.port, challengeRate, seconds), adminUrl: server.adminUrl },
        bench.placement.load,
      );
    await watched(bench.plan.settleSeconds);
    const { visible, live } = await watched(bench.plan.delaySeconds);
    const row = (what: string, delay: Delay | undefined) =>
      delay === undefined ? [] : [[what, delay.p50Ms, delay.p99Ms, delay.samples]];
    return [
      {
        id: 'delays',
        title: 'Delay from message to reader',
        how: `${challengeRate.toLocaleString('en')} requests/s from the generator, after ${bench.plan.settleSeconds} s of warm-up. Open counts: from a query until an answer has every request that was answered before the query. Live: from the end of a ms10 window to its arrival, including the 20 ms until a window is final.`,
        columns: ['delay', 'p50, ms', 'p99, ms', 'samples'],
        rows: [...row('visible in open counts', visible), ...row('visible in /v1/live', live)],
      },
    ];
  });
}
