/**
 * Queries against counting: 50 readers repeatedly read a day of ms10 windows, which must not reduce
 * the ingest rate. Turns without and with readers alternate, since the machine's speed varies; the
 * median over the pairs decides.
 */
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runWrk } from '@reto3/bench/src/loads/wrk.ts';
import { message } from '@reto3/bench/src/peers/peer.ts';
import { quantile } from '@reto3/bench/src/statistics.ts';
import { program } from '../../faults/support/needs.ts';
import { poissonCounts, writeDay } from '../../support/day.ts';

import { temporaryFolder } from '../../support/folder.ts';
import { markdownTable } from '../../support/markdown.ts';
import { launch } from '../../support/processes.ts';
import { Server } from '../../support/server.ts';
import type { Attack } from '../attack.ts';

/** A minute each. */
const acks = ['memory', 'durable'] as const;
type Ack = (typeof acks)[number];
const readers = 50;
const pairs = 7;
const turnSeconds = 3;
const minRatio = 0.9;
const hourMs = 3_600_000;
const ticksPerSecond = 100;

const scanClient = fileURLToPath(new URL('../support/scan.mjs', import.meta.url));

interface Turn {
  readonly messagesPerSecond: number;
  /** The share of a core that the query thread uses. */
  readonly queryThread: number;
}

/** The main thread's CPU time, s. */
function mainThreadSeconds(pid: number): number {
  const [, after = ''] = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'latin1').split(') ');
  const fields = after.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

async function turn({ port, pid }: Server): Promise<Turn> {
  const before = mainThreadSeconds(pid);
  const begun = performance.now();
  const load = { port, request: message, connections: 64, threads: 1, depth: 1, cores: undefined };
  const { requestsPerSecond } = await runWrk({ ...load, seconds: turnSeconds });
  const seconds = (performance.now() - begun) / 1_000;
  return {
    messagesPerSecond: requestsPerSecond,
    queryThread: (mainThreadSeconds(pid) - before) / seconds,
  };
}

async function scannedTurn(server: Server, range: readonly string[]): Promise<Turn & Scanned> {
  const scan = launch(process.execPath, [scanClient, server.adminUrl, ...range, `${readers}`]);
  await setTimeout(1_000);
  const seen = await turn(server);
  scan.signal('SIGTERM');
  await scan.exited;
  const { bytes }: Scanned = JSON.parse(scan.stdout);
  return { ...seen, bytes };
}

interface Scanned {
  readonly bytes: number;
}

/** A row of the table, and what broke. */
async function attack(ack: Ack): Promise<readonly [row: string[], broken: string[]]> {
  const dataDir = await temporaryFolder();
  const to = Math.floor(Date.now() / hourMs - 1) * hourMs;
  const day = await writeDay(dataDir, to - 24 * hourMs, poissonCounts(5, 1));
  const server = await Server.start({ dataDir, flags: ['--ack', ack] });
  await turn(server);
  const alone: Turn[] = [];
  const scanned: (Turn & Scanned)[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    alone.push(await turn(server));
    scanned.push(await scannedTurn(server, [`${day.from}`, `${day.to}`]));
    // The server abandons the queries, so that the next turn runs alone.
    await setTimeout(500);
  }
  await server.stop();
  const ratios = scanned.map(
    ({ messagesPerSecond }, pair) => messagesPerSecond / (alone[pair]?.messagesPerSecond ?? 0),
  );
  const ratio = quantile(ratios, 0.5);
  const median = (turns: readonly Turn[], of: (turn: Turn) => number): number =>
    quantile(turns.map(of), 0.5);
  const rate = (turns: readonly Turn[]): string =>
    Math.round(median(turns, (each) => each.messagesPerSecond)).toLocaleString('en');
  const share = (turns: readonly Turn[]): string =>
    `${(100 * median(turns, (each) => each.queryThread)).toFixed(1)} %`;
  const read = scanned.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6;
  const figures = [rate(alone), rate(scanned), ratio.toFixed(2)];
  const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
  const row = [`${readers}`, ...figures, spread, share(alone), share(scanned), read.toFixed(0)];
  const says = `--ack ${ack}: ${readers} readers leave ${ratio.toFixed(2)} of the rate`;
  return [[ack, ...row], ratio < minRatio ? [says] : []];
}

export const queries: Attack = {
  name: 'queries',
  async run() {
    const missing = program('wrk')();
    if (missing !== undefined) return { text: `not run: ${missing}`, broken: [] };
    const found = [];
    for (const ack of acks) found.push(await attack(ack));
    const columns = [
      '--ack',
      'readers',
      'messages/s without',
      'with',
      'ratio, median of the pairs',
    ];
    const figures = ['least and most', 'query thread without, of a core', 'with', 'MB read'];
    const rows = found.map(([row]) => row);
    return {
      text: markdownTable([...columns, ...figures], rows),
      broken: found.flatMap(([, broken]) => broken),
    };
  },
};
