/** The challenge's three rates, and what they cost. */
import type { Bench } from '../bench.ts';
import { runSteady, steady } from '../loads/steady.ts';
import { withReto3 } from '../peers/reto3.ts';
import type { Cell, Finding } from '../result.ts';

/** Above this rate the generator, which has one core, sends several requests per packet. */
const maxSingleRate = 50_000;
const pipelineDepth = 16;

export async function rates(bench: Bench): Promise<Finding[]> {
  const rows: Cell[][] = [];
  for (const rate of bench.plan.rates) rows.push(await atRate(bench, rate));
  return [
    {
      id: 'rates',
      title: 'The challenge rates',
      how: `Open loop at a fixed rate; the whole server on one core. Above ${maxSingleRate.toLocaleString('en')} requests/s the generator, also on one core, sends ${pipelineDepth} requests per packet. Live delay: from the end of a ms10 window to its arrival.`,
      columns: [
        'target requests/s',
        'answered',
        'core used',
        'memory, MB',
        'latency p99, ms',
        'live delay p99, ms',
        'disk, B/s',
      ],
      rows,
    },
  ];
}

async function atRate(bench: Bench, rate: number): Promise<Cell[]> {
  const dataDir = await bench.folder();
  return withReto3({ cores: bench.placement.server, workers: 1, dataDir }, async (server) => {
    const options = {
      ...steady(server.port, rate, bench.plan.rateSeconds),
      adminUrl: server.adminUrl,
      depth: rate > maxSingleRate ? pipelineDepth : 1,
    };
    const before = server.usage();
    const startMs = performance.now();
    const result = await runSteady(options, bench.placement.load);
    const seconds = (performance.now() - startMs) / 1_000;
    const after = server.usage();
    return [
      rate,
      Math.round(result.answered / (options.seconds + options.warmUpSeconds)),
      `${Math.round(((after.cpuSeconds - before.cpuSeconds) / seconds) * 100)} %`,
      after.residentBytes / 1e6,
      result.p99Ms,
      result.live?.p99Ms ?? 'not measured',
      Math.round((after.writtenBytes - before.writtenBytes) / seconds),
    ];
  });
}
