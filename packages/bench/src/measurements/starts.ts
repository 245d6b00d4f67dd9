/** The server's start-up time, also with a long history. */
import type { Bench } from '../bench.ts';
import { Collected } from '../collected.ts';
import { startReto3 } from '../peers/reto3.ts';
import type { Finding } from '../result.ts';

/** The time from the start of `reto3 serve` to its first answer 200. */
export async function serverStart(
  bench: Bench,
  folders: Readonly<Record<string, string>>,
): Promise<Finding[]> {
  const times = new Collected();
  for (let round = 0; round < bench.plan.startRounds; round++) {
    for (const [name, dataDir] of Object.entries(folders)) {
      const startMs = performance.now();
      const server = await startReto3({ cores: undefined, workers: 1, dataDir });
      times.add('server-start', name, performance.now() - startMs);
      await server.stop();
    }
  }
  return [
    {
      id: 'server-start',
      title: 'Server, from start to the first 200',
      unit: 'ms',
      how: '`reto3 serve` on a folder with that much history, until it answers a request; not pinned. Five years: minutes of all five, seconds of the last, and ms10 of the long history, as retention keeps them by default.',
      better: 'lower',
      series: times.series('server-start'),
    },
  ];
}
