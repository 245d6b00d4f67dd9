/**
 * How long commands take as whole processes with next to nothing to do: their start. Measured in
 * turn with an empty Node.js program, from the clone; the npm package has the same files.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { madeLog, madeRequests } from '@reto3/sources/testing';
import type { Bench } from '../bench.ts';
import { Collected } from '../collected.ts';
import { freePorts } from '../free-port.ts';
import { reto3Bin, withReto3 } from '../peers/reto3.ts';
import { runProgram } from '../program.ts';
import { emptyProgram, folderRead, startOfCommands, statsCommand } from '../report/targets.ts';
import type { Comparison, Finding, Series, Table } from '../result.ts';
import { ratios, spreadOf } from '../statistics.ts';

const maxMs = 30_000;

/** Commands without a start to measure here, and why. */
export const notMeasured: Readonly<Record<string, string>> = {
  autocomplete: 'oclif, which only it and the help load',
  cluster: 'needs a cluster; loads what `bursts` loads',
  help: 'oclif',
  query: 'loads DuckDB, which takes longer than Node.js',
  serve: 'see the start of a server',
  top: 'watches for seconds',
  view: 'runs until stopped',
};

interface Place {
  /** The server's address. */
  readonly url: string;
  /** Files for commands: a log, a data folder with its counts and archive, a backup. */
  readonly log: string;
  readonly dataDir: string;
  readonly backup: string;
  readonly config: string;
  /** Ports that nobody uses. */
  readonly ports: readonly number[];
}

/** @param empty the name of a file or folder that does not exist */
export function commandLines(place: Place, empty: string): Readonly<Record<string, string[]>> {
  const asking = ['--url', place.url];
  const [port = 0, adminPort = 0] = place.ports;
  return {
    [statsCommand]: ['stats', 'sec', '--open', ...asking],
    audit: ['audit', '--json', ...asking],
    backup: ['backup', empty, ...asking],
    bursts: ['bursts', '--open', ...asking],
    completion: ['completion', 'bash'],
    config: ['config', '--check', place.config],
    doctor: [
      ...['doctor', '--data-dir', place.dataDir],
      ...['--port', `${port}`, '--admin-port', `${adminPort}`],
    ],
    export: ['export', 'sec', '--open', ...asking],
    formats: ['formats'],
    health: ['health', ...asking],
    import: ['import', place.log, '--data-dir', empty],
    recipe: ['recipe', 'nginx'],
    replay: ['replay', 'count', 'sec', '--data-dir', place.dataDir],
    report: ['report', 'lag', 'sec', '--open', ...asking],
    reports: ['reports', ...asking],
    restore: ['restore', place.backup, '--data-dir', empty],
    version: ['version'],
    whatif: ['whatif', '--capacity', '6000', '--open', ...asking],
  };
}

export async function commandStarts(bench: Bench): Promise<Finding[]> {
  const folder = await bench.folder();
  const server = { cores: bench.placement.server, workers: 1, dataDir: join(folder, 'server') };
  return withReto3({ ...server, flags: ['--report', 'lag'] }, async ({ adminUrl }) => {
    const place = await filled(folder, adminUrl);
    const times = new Collected();
    const empty = join(folder, 'empty');
    const lines = Object.entries(commandLines(place, empty));
    const programs = [
      ...lines.map(([name, words]) => ({ name, args: [reto3Bin, ...words] })),
      { name: emptyProgram, args: ['-e', '0'] },
    ];
    for (let round = 0; round < bench.plan.startRounds; round++) {
      for (const { name, args } of programs) {
        const startMs = performance.now();
        await runProgram(process.execPath, args, { cores: bench.placement.load, maxMs });
        times.add('cli-start', name, performance.now() - startMs);
        await rm(empty, { recursive: true, force: true });
      }
    }
    const reads = Object.fromEntries(lines.map(([name, words]) => [name, readsOf(words)]));
    return findings(times.series('cli-start'), reads);
  });
}

/** Writes what the commands read. */
async function filled(folder: string, url: string): Promise<Place> {
  const place: Place = {
    url,
    log: join(folder, 'access.log'),
    dataDir: join(folder, 'imported'),
    backup: join(folder, 'backup.reto3'),
    config: join(folder, 'reto3.yaml'),
    ports: await freePorts(2),
  };
  await writeFile(place.log, madeLog('nginx', madeRequests(100, 1)).text);
  await writeFile(place.config, 'port: 8080\n');
  for (const args of [
    ['import', place.log, '--keep', '--data-dir', place.dataDir],
    ['backup', place.backup, '--url', url],
  ])
    await runProgram(process.execPath, [reto3Bin, ...args], { cores: undefined, maxMs });
  return place;
}

/** What a command opens. */
function readsOf(args: readonly string[]): string {
  if (args.includes('--data-dir')) return folderRead;
  return args.includes('--url') ? 'server' : 'neither';
}

/**
 * The chart of `stats`, and a table of all commands, the slowest first.
 * @param reads what each command opens, by its name
 */
export function findings(
  series: readonly Series[],
  reads: Readonly<Record<string, string>>,
): [Comparison, Table] {
  const empty = series.find(({ name }) => name === emptyProgram)?.values ?? [];
  const rows = series
    .filter(({ name }) => name !== emptyProgram)
    .map(({ name, values }) => {
      const { median, min, max } = spreadOf(ratios(values, empty));
      return [name, reads[name] ?? '', spreadOf(values).median, median, min, max] as const;
    })
    .sort(([, , , one], [, , , other]) => other - one);
  return [
    {
      id: 'cli-start',
      title: 'A command, from start to exit',
      unit: 'ms',
      how: 'Whole processes in turn on one core; the server runs on the other.',
      better: 'lower',
      series: series.filter(({ name }) => [statsCommand, emptyProgram].includes(name)),
    },
    {
      id: startOfCommands,
      title: 'Every command, from start to exit',
      how: 'The same for each command that ends by itself, with next to nothing to do: a server or a folder with a hundred messages at most. Commands with a folder also open its store, and import and restore write one. The ratio to an empty Node.js program is the median over the rounds.',
      columns: ['command', 'opens', 'median, ms', `÷ ${emptyProgram}`, 'min', 'max'],
      rows,
    },
  ];
}
