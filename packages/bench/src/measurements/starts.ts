/** Start-up times: the command line, and the server with a long history. */
import type { Bench } from '../bench.ts';
import { Collected } from '../collected.ts';
import { type RunningReto3, reto3Bin, startReto3 } from '../peers/reto3.ts';
import { runProgram } from '../program.ts';
import type { Finding } from '../result.ts';

const maxMs = 30_000;

/** `reto3 stats sec` as a whole process, compared with an empty Node.js program. */
export async function cliStart(bench: Bench, server: RunningReto3): Promise<Finding[]> {
  const times = new Collected();
  const commands = {
    'reto3 stats sec': [reto3Bin, 'stats', 'sec', '--open', '--url', server.adminUrl],
    'node -e 0': ['-e', '0'],
  };
  for (let round = 0; round < bench.plan.startRounds; round++) {
    for (const [name, args] of Object.entries(commands)) {
      const startMs = performance.now();
      await runProgram(process.execPath, args, { cores: bench.placement.load, maxMs });
      times.add('cli-start', name, performance.now() - startMs);
    }
  }
  return [
    {
      id: 'cli-start',
      title: 'A command, from start to exit',
      unit: 'ms',
      how: 'Whole processes in turn on one core; the server runs on the other.',
      better: 'lower',
      series: times.series('cli-start'),
    },
  ];
}

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
