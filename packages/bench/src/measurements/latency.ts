/** The latency of reto3 and its yardstick at fixed rates, with both HTTP engines. */
import type { Bench } from '../bench.ts';
import { Collected } from '../collected.ts';
import { challengeRate } from '../loads/challenge.ts';
import { runSteady, steady } from '../loads/steady.ts';
import { bareUws } from '../peers/bare-uws.ts';
import { nodeHttp } from '../peers/node-http.ts';
import type { Peer } from '../peers/peer.ts';
import { reto3, reto3Node } from '../peers/reto3.ts';
import type { Comparison, Finding } from '../result.ts';

/** The highest rate that the generator can send from one core without lag. */
const maxGeneratorRate = 50_000;

/**
 * Measured at the calm rate only: Node's server answers little more than half of the yardstick's
 * maximum.
 */
const challengeRateOnly: readonly Peer[] = [reto3Node, nodeHttp];

/** @param maxRate the yardstick's maximum, requests per second */
export async function latency(bench: Bench, maxRate: number): Promise<Finding[]> {
  const half = Math.min(maxGeneratorRate, Math.round(maxRate / 2_000) * 1_000);
  const rates = { calm: challengeRate, half };
  const collected = new Collected();
  for (let round = 0; round < bench.plan.latencyRounds; round++) {
    for (const peer of bench.inTurn(round, [reto3, bareUws, ...challengeRateOnly])) {
      await bench.with(peer, { placement: bench.placement, workers: 1 }, async ({ port }) => {
        const settling = steady(port, challengeRate, bench.plan.settleSeconds);
        await runSteady(settling, bench.placement.load);
        for (const [id, rate] of Object.entries(rates)) {
          if (id !== 'calm' && challengeRateOnly.includes(peer)) continue;
          const options = steady(port, rate, bench.plan.latencySeconds);
          const result = await runSteady(options, bench.placement.load);
          collected.add(`latency-${id}-p50`, peer.name, result.p50Ms);
          collected.add(`latency-${id}-p99`, peer.name, result.p99Ms);
          collected.add(`latency-${id}-p99`, `${peer.name}: generator lag`, result.lagP99Ms);
          bench.say(`  ${peer.name} at ${rate}/s: p50 ${result.p50Ms} ms, p99 ${result.p99Ms} ms`);
        }
      });
    }
  }
  return Object.entries(rates).flatMap(([id, rate]) =>
    (['p50', 'p99'] as const).map(
      (share): Comparison => ({
        id: `latency-${id}-${share}`,
        title: `Latency at ${rate.toLocaleString('en')} requests/s, ${share}`,
        unit: 'ms',
        how: `Open loop over 64 connections, after ${bench.plan.settleSeconds} s of warm-up, in which V8 compiles on the same core. "Generator lag" is how late requests were sent; the latency includes it.`,
        better: 'lower',
        series: collected.series(`latency-${id}-${share}`),
      }),
    ),
  );
}
