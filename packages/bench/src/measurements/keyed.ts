/** What a report with a key costs ingest. */
import type { Bench } from '../bench.ts';
import { Collected } from '../collected.ts';
import { keepAliveConnections, runKeepAlive } from '../loads/wrk.ts';
import { withReto3 } from '../peers/reto3.ts';
import { keyedOff, keyedOn } from '../report/targets.ts';
import type { Finding } from '../result.ts';

const warmUpSeconds = 1;
const paths = 64;
const flags = new Map([
  [keyedOn, ['--report', 'by:path']],
  [keyedOff, []],
]);

/** Compares the maximum rate with and without a count per path. */
export async function keyedReport(bench: Bench): Promise<Finding[]> {
  const found = new Collected();
  for (let round = 0; round < bench.plan.pairs; round++) {
    for (const name of bench.inTurn(round, [keyedOn, keyedOff])) {
      const place = {
        cores: bench.placement.server,
        workers: 1,
        dataDir: await bench.folder(),
        flags: flags.get(name) ?? [],
      };
      await withReto3(place, async (server) => {
        await runKeepAlive(bench.placement, server, warmUpSeconds, paths);
        const before = server.usage().cpuSeconds;
        const { loadSeconds } = bench.plan;
        const rate = await runKeepAlive(bench.placement, server, loadSeconds, paths);
        const micros = ((server.usage().cpuSeconds - before) / (rate * loadSeconds)) * 1e6;
        found.add('keyed-rate', name, rate);
        found.add('keyed-cpu', name, micros);
        bench.say(`  ${name}: ${Math.round(rate)}/s, ${micros.toFixed(2)} µs each`);
      });
    }
  }
  return [
    {
      id: 'keyed-rate',
      title: 'Requests per second, with and without a report by path',
      unit: '/s',
      how: `wrk, ${keepAliveConnections} keep-alive connections, POST with the challenge body to ${paths} paths in turn. The whole server runs on one core, wrk on another.`,
      better: 'higher',
      series: found.series('keyed-rate'),
    },
    {
      id: 'keyed-cpu',
      title: 'CPU time per request, with and without a report by path',
      unit: 'µs',
      how: 'The same rounds: CPU time of the whole server at full load.',
      better: 'lower',
      series: found.series('keyed-cpu'),
    },
  ];
}
