/** How fast logs are counted: `reto3 stats --log`, the whole command, on one core. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type MadeLog, madeLog, madeRequests } from '@reto3/sources/testing';
import type { Bench } from '../bench.ts';
import { Collected } from '../collected.ts';
import { reto3Bin } from '../peers/reto3.ts';
import { runProgram } from '../program.ts';
import type { Finding } from '../result.ts';

const maxMs = 300_000;
const seed = 20_160_528;
/** Made once and written as often as it takes. */
const madeLines = 200_000;

const measured = ['nginx', 'combined', 'haproxy', 'jmeter', 'k6-csv', 'caddy', 'traefik', 'k6'];

export async function logRates(bench: Bench): Promise<Finding[]> {
  const rates = new Collected();
  const requests = madeRequests(madeLines, seed);
  const times = Math.ceil(bench.plan.logLines / madeLines);
  const folder = await bench.folder();
  for (const format of measured) {
    const log = madeLog(format, requests);
    const files = { [format]: repeated(join(folder, format), Buffer.from(log.text), times) };
    // Members of gzip, one behind the other, are read as one.
    if (format === 'nginx')
      files[`${format}, gzip`] = repeated(join(folder, `${format}.gz`), gzipSync(log.text), times);
    for (let round = 0; round < bench.plan.logRounds; round++)
      for (const [name, file] of Object.entries(files))
        rates.add('log-rates', name, await linesPerSecond(bench, file, log, times));
  }
  return [
    {
      id: 'log-rates',
      title: 'Counting a log',
      unit: 'lines/s',
      how: `\`reto3 stats sec --log\` of ${times * madeLines} requests, from start to exit, pinned to one core; the file is in the page cache.`,
      better: 'higher',
      series: rates.series('log-rates'),
    },
  ];
}

function repeated(file: string, bytes: Uint8Array, times: number): string {
  const descriptor = openSync(file, 'w');
  try {
    for (let time = 0; time < times; time++) writeSync(descriptor, bytes);
  } finally {
    closeSync(descriptor);
  }
  return file;
}

async function linesPerSecond(
  bench: Bench,
  file: string,
  { lines }: MadeLog,
  times: number,
): Promise<number> {
  const args = [reto3Bin, 'stats', 'sec', '--last', '1', '--log', file];
  const startMs = performance.now();
  await runProgram(process.execPath, args, { cores: bench.placement.load, maxMs });
  return (1_000 * times * lines) / (performance.now() - startMs);
}
