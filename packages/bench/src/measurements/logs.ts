/**
 * How fast `reto3 stats --log` and `reto3 import --keep` read logs: whole commands, on one core,
 * beside GoAccess if it is installed.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type MadeLog, madeLog } from '@reto3/sources/testing';
import type { Bench } from '../bench.ts';
import { Collected } from '../collected.ts';
import { reto3Bin } from '../peers/reto3.ts';
import { findProgram, firstLineOf, runProgram } from '../program.ts';
import { jsonLogs } from '../report/targets.ts';
import type { Finding } from '../result.ts';
import { madeLines, repeated, sampleRequests } from './made-log-file.ts';

const maxMs = 600_000;

/** GoAccess, which also analyses access logs in a terminal. */
export const goaccess = 'goaccess';

export function goaccessVersion(): string | undefined {
  return /[\d.]+\d/.exec(firstLineOf(goaccess, ['--version']) ?? '')?.[0];
}

const measured = [
  ...['nginx', 'combined', 'haproxy', 'jmeter', 'k6-csv'],
  ...Object.keys(jsonLogs),
];

export async function logRates(bench: Bench): Promise<Finding[]> {
  const rates = new Collected();
  const requests = sampleRequests();
  const times = Math.ceil(bench.plan.logLines / madeLines);
  const folder = await bench.folder();
  for (const format of measured) {
    const log = madeLog(format, requests);
    const files = { [format]: repeated(join(folder, format), Buffer.from(log.text), times) };
    // gzip reads concatenated members as one file.
    if (format === 'nginx')
      files[`${format}, gzip`] = repeated(join(folder, `${format}.gz`), gzipSync(log.text), times);
    for (let round = 0; round < bench.plan.logRounds; round++) {
      for (const [name, file] of Object.entries(files))
        rates.add('log-rates', name, await linesPerSecond(bench, log, times, countingOf(file)));
      const file = files[format] ?? '';
      if (format === 'nginx') {
        const data = join(folder, 'data');
        const keeping = [reto3Bin, 'import', file, '--keep', '--data-dir', data];
        const rate = await linesPerSecond(bench, log, times, [process.execPath, keeping]);
        rates.add('log-rates', `${format}, import --keep`, rate);
        rmSync(data, { recursive: true });
      }
      if (format === 'combined' && findProgram(goaccess) !== undefined) {
        const output = join(folder, 'goaccess.json');
        const flags = ['--log-format=COMBINED', '--no-global-config', '--no-progress'];
        const rate = await linesPerSecond(bench, log, times, [
          goaccess,
          [file, ...flags, `--output=${output}`],
        ]);
        rates.add('log-rates', `${format}, GoAccess`, rate);
      }
    }
  }
  return [
    {
      id: 'log-rates',
      title: 'Reading a log',
      unit: 'lines/s',
      how: `\`reto3 stats sec --log\` of ${times * madeLines} requests, from start to exit, pinned to one core; the file is in the page cache. import --keep also writes each message to the archive. GoAccess makes its report of the same file.`,
      better: 'higher',
      series: rates.series('log-rates'),
    },
  ];
}

type Command = readonly [program: string, args: readonly string[]];

function countingOf(file: string): Command {
  return [process.execPath, [reto3Bin, 'stats', 'sec', '--last', '1', '--log', file]];
}

async function linesPerSecond(
  bench: Bench,
  { lines }: MadeLog,
  times: number,
  [program, args]: Command,
): Promise<number> {
  const startMs = performance.now();
  await runProgram(program, args, { cores: bench.placement.load, maxMs });
  return (1_000 * times * lines) / (performance.now() - startMs);
}
