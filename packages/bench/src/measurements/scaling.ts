/** Throughput by workers and connections. */
import type { Bench } from '../bench.ts';
import { runWrk } from '../loads/wrk.ts';
import { unpinned } from '../machine.ts';
import { reto3 } from '../peers/reto3.ts';
import type { Cell, Finding } from '../result.ts';

/** wrk's duration includes connecting; this allows for so many connections per second. */
const connectsPerSecond = 2_500;

export async function scaling(bench: Bench, cores: number): Promise<Finding[]> {
  const { workerCounts, connectionCounts, scalingSeconds } = bench.plan;
  const rows: Cell[][] = [];
  for (const workers of workerCounts) {
    await bench.with(reto3, { placement: unpinned, workers }, async (running) => {
      for (const connections of connectionCounts) {
        const seconds = scalingSeconds + Math.ceil(connections / connectsPerSecond);
        const before = running.usage();
        const result = await runWrk({
          port: running.port,
          request: reto3.request,
          connections,
          threads: Math.min(connections, cores),
          depth: 1,
          seconds,
          cores: undefined,
        });
        const after = running.usage();
        const requests = result.requestsPerSecond * seconds;
        const cpu = ((after.cpuSeconds - before.cpuSeconds) / requests) * 1e6;
        const row = [workers, connections, Math.round(result.requestsPerSecond), result.p50Ms];
        rows.push([...row, result.p99Ms, cpu, after.residentBytes / 1e6]);
        bench.say(`  ${workers} workers, ${connections} connections: ${row[2]}/s`);
      }
    });
  }
  return [
    {
      id: 'scaling',
      title: 'Workers and connections',
      how: `wrk and reto3 share all ${cores} cores of the machine; one run each. The latency is wrk's at its maximum load: connections ÷ rate.`,
      columns: [
        'workers',
        'connections',
        'requests/s',
        'p50, ms',
        'p99, ms',
        'CPU, µs/request',
        'memory, MB',
      ],
      rows,
    },
  ];
}
