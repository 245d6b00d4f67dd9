/** A day of counts: its size and export time, compared with VictoriaMetrics. */
import { join } from 'node:path';
import { poissonFrom, Random } from '@reto3/core/testing';
import type { Bench } from '../bench.ts';
import { Collected } from '../collected.ts';
import { entropyBytes } from '../day/entropy.ts';
import { compact, fillStore, ms10BlockBytes } from '../day/store.ts';
import { folderBytes } from '../disk.ts';
import { missingOf } from '../peers/peer.ts';
import { reto3Bin, startReto3 } from '../peers/reto3.ts';
import { startVictoriaMetrics, victoriaMetrics } from '../peers/victoria-metrics.ts';
import { runProgram } from '../program.ts';
import type { Cell, Finding } from '../result.ts';

const windowMs = 10;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** 5,000 messages/s. */
const meanCount = 50;
const seed = 20_160_528;
const maxExportMs = 120_000;

/** Counts on disk, as a server left them. */
export interface StoredDay {
  readonly dataDir: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly counts: Uint8Array;
  /** The same counts in VictoriaMetrics after a merge; undefined if it is not installed. */
  readonly victoriaDir: string | undefined;
}

/** Uses yesterday: it is over, and retention keeps it. */
export async function storeDay(bench: Bench): Promise<StoredDay> {
  const windows = (bench.plan.storedHours * hourMs) / windowMs;
  const next = poissonFrom(meanCount, new Random(seed));
  // With a mean of 50, counts stay below 256.
  const counts = Uint8Array.from({ length: windows }, next);
  const fromMs = Math.floor(Date.now() / dayMs - 1) * dayMs;
  const dataDir = join(await bench.folder(), 'data');
  let at = 0;
  const toMs = fromMs + windows * windowMs;
  await fillStore(dataDir, { from: fromMs, to: toMs }, () => counts[at++] ?? 0);
  const installed = missingOf(victoriaMetrics).length === 0;
  const victoriaDir = installed ? join(await bench.folder(), 'data') : undefined;
  if (victoriaDir !== undefined) await fillVictoriaMetrics(victoriaDir, fromMs, counts);
  return { dataDir, fromMs, toMs, counts, victoriaDir };
}

export async function storage(bench: Bench, day: StoredDay): Promise<Finding[]> {
  const entropy = entropyBytes(day.counts);
  const rows: Cell[][] = [];
  const add = (what: string, bytes: number) =>
    rows.push([what, Math.round(bytes), bytes / entropy]);
  add('entropy of the counts', entropy);
  add('reto3, whole folder as the server left it', await folderBytes(day.dataDir));
  await compact(day.dataDir);
  add('reto3, all ms10 blocks', await ms10BlockBytes(day.dataDir));
  add('reto3, whole folder, compacted', await folderBytes(day.dataDir));
  if (day.victoriaDir !== undefined)
    add('VictoriaMetrics, after a forced merge', await folderBytes(day.victoriaDir));
  const windows = day.counts.length.toLocaleString('en');
  return [
    {
      id: 'storage',
      title: `${spanOf(bench)} of ms10 at 5,000 messages/s`,
      how: `${windows} counts, Poisson with mean ${meanCount}, recorded through ring, coordinator and store on a virtual clock.`,
      columns: ['data', 'bytes', '× entropy'],
      rows,
    },
  ];
}

function spanOf(bench: Bench): string {
  const { storedHours } = bench.plan;
  return storedHours === 24 ? 'A day' : `${storedHours} h`;
}

/** Exports the whole day as CSV: with `reto3 stats` from its server, and from VictoriaMetrics. */
export async function exports(bench: Bench, day: StoredDay): Promise<Finding[]> {
  const times = new Collected();
  const { server: cores, load } = bench.placement;
  const range = ['--from', `${day.fromMs}`, '--to', `${day.toMs}`, '--format', 'csv'];
  for (let round = 0; round < bench.plan.exportRounds; round++) {
    const reto3 = await startReto3({ cores, workers: 1, dataDir: day.dataDir });
    try {
      const args = [reto3Bin, 'stats', 'ms10', ...range, '--url', reto3.adminUrl];
      await timed(times, 'reto3 stats', day, () =>
        runProgram(process.execPath, args, { cores: load, maxMs: maxExportMs }),
      );
    } finally {
      await reto3.stop();
    }
    if (day.victoriaDir === undefined) continue;
    const victoria = await startVictoriaMetrics(day.victoriaDir, cores);
    try {
      await timed(times, victoriaMetrics.name, day, async () => {
        const answer = await fetch(exportUrl(victoria.port));
        return answer.text();
      });
    } finally {
      await victoria.stop();
    }
  }
  return [
    {
      id: 'export',
      title: `${spanOf(bench)} of ms10 as CSV`,
      unit: 'ms',
      how: 'reto3: the whole command, start included, on one core, its server on the other. VictoriaMetrics: its CSV export, server on the same core.',
      better: 'lower',
      series: times.series('export'),
    },
  ];
}

async function timed(
  times: Collected,
  name: string,
  day: StoredDay,
  print: () => Promise<string>,
): Promise<void> {
  const startMs = performance.now();
  const printed = await print();
  times.add('export', name, performance.now() - startMs);
  const lines = printed.split('\n').length;
  if (lines < day.counts.length)
    throw new Error(`${name} printed ${lines} lines of ${day.counts.length} windows`);
}

function exportUrl(port: number): string {
  const query = new URLSearchParams({
    'match[]': 'messages',
    format: '__timestamp__:unix_ms,__value__',
  });
  return `http://127.0.0.1:${port}/api/v1/export/csv?${query}`;
}

async function fillVictoriaMetrics(
  dataDir: string,
  fromMs: number,
  counts: Uint8Array,
): Promise<void> {
  const server = await startVictoriaMetrics(dataDir, undefined);
  try {
    const url = `http://127.0.0.1:${server.port}`;
    const windows = hourMs / windowMs;
    for (let first = 0; first < counts.length; first += windows) {
      const values = [...counts.subarray(first, first + windows)];
      const timestamps = values.map((_, index) => fromMs + (first + index) * windowMs);
      const body = JSON.stringify({ metric: { __name__: 'messages' }, values, timestamps });
      await post(`${url}/api/v1/import`, body);
    }
    await post(`${url}/internal/force_flush`, '');
    await post(`${url}/internal/force_merge`, '');
    await merged(url);
  } finally {
    await server.stop();
  }
}

async function post(url: string, body: string): Promise<void> {
  const { ok, status } = await fetch(url, { method: 'POST', body });
  if (!ok) throw new Error(`VictoriaMetrics answered ${status} to ${url}`);
}

const maxMergeMs = 120_000;

/** Waits for the end of the forced merge, which outlasts its answer. */
async function merged(url: string): Promise<void> {
  const deadlineMs = performance.now() + maxMergeMs;
  while (performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const active = metrics.match(/^vm_active_(?:force_)?merges\S* (\d+)$/gm) ?? [];
    if (active.every((line) => line.endsWith(' 0'))) return;
  }
}
