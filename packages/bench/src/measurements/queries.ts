/**
 * Whether queries get slower with more history: reads the same range with a short and a long one.
 */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { Collected } from '../collected.ts';
import { repeatBefore } from '../day/store.ts';
import { withReto3 } from '../peers/reto3.ts';
import type { Comparison, Finding } from '../result.ts';
import { quantile } from '../statistics.ts';
import type { StoredDay } from './stored-day.ts';

/** A copy of the stored day and the days before it, as many in all as the plan asks for. */
export async function storeHistory(bench: Bench, day: StoredDay): Promise<string> {
  const dataDir = join(await bench.folder(), 'data');
  await cp(day.dataDir, dataDir, { recursive: true });
  const { historyDays } = bench.plan;
  const range = { from: day.fromMs, to: day.toMs };
  await repeatBefore(dataDir, range, { ms10: historyDays, sec: historyDays, min: historyDays });
  return dataDir;
}

/** A copy of the long history, with the seconds and minutes that a server keeps by default. */
export async function storeFiveYears(
  bench: Bench,
  day: StoredDay,
  history: string,
): Promise<string> {
  const dataDir = join(await bench.folder(), 'data');
  await cp(history, dataDir, { recursive: true });
  const range = { from: day.fromMs, to: day.toMs };
  await repeatBefore(dataDir, range, { ms10: 1, sec: 365, min: 5 * 365 });
  return dataDir;
}

const rounds = 5;

export async function queryScaling(
  bench: Bench,
  day: StoredDay,
  folders: Readonly<Record<string, string>>,
): Promise<Finding[]> {
  const from = `from=${day.fromMs}&to=`;
  const queries = {
    'query-minutes': { title: '10 minutes of ms10', path: `ms10?${from}${day.fromMs + 600_000}` },
    'query-hour': { title: 'an hour of sec', path: `sec?${from}${day.fromMs + 3_600_000}` },
    'query-last': { title: 'the newest 100 of ms10', path: 'ms10?last=100' },
  };
  const times = new Collected();
  for (let round = 0; round < rounds; round++) {
    for (const [name, dataDir] of Object.entries(folders)) {
      const options = { cores: bench.placement.server, workers: 1, dataDir };
      await withReto3(options, async (server) => {
        for (const [id, { path }] of Object.entries(queries)) {
          const url = `${server.adminUrl}/v1/stats/${path}`;
          times.add(id, name, await medianMs(url, bench.plan.queryRounds));
        }
      });
    }
  }
  return Object.entries(queries).map(
    ([id, { title }]): Comparison => ({
      id,
      title: `Query: ${title}`,
      unit: 'ms',
      how: `Each round is the median of ${bench.plan.queryRounds} queries for the same range, as JSON, over one connection.`,
      better: 'lower',
      series: times.series(id),
    }),
  );
}

async function medianMs(url: string, times: number): Promise<number> {
  const took: number[] = [];
  for (let time = 0; time < times; time++) {
    const startMs = performance.now();
    const answer = await fetch(url);
    await answer.text();
    took.push(performance.now() - startMs);
    if (!answer.ok) throw new Error(`got ${answer.status} from ${url}`);
  }
  return quantile(took, 0.5);
}
