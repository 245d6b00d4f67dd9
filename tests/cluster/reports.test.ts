/**
 * Reports of a cluster on a real nats-server: the merger's answer merges the nodes' reports, and
 * names nodes that it cannot merge.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bursts, Report } from '@reto3/client/answers';
import { expect } from 'vitest';
import { ask } from '../support/api.ts';
import { burst, others, sendBurst } from '../support/burst.ts';
import { runCli } from '../support/cli.ts';
import { startNode } from '../support/cluster.ts';
import { temporaryFolder } from '../support/folder.ts';
import { send } from '../support/load.ts';
import { NatsServers } from '../support/nats.ts';
import { requires } from '../support/requirement.ts';
import type { Server } from '../support/server.ts';
import { partialNote } from '../support/stats.ts';
import { waitUntil } from '../support/wait.ts';

const withNats = requires('nats-server');

function askReport(server: Server, name: string, period: string, scope = 'node'): Promise<Report> {
  const query = `period=${period}&from=0&to=9999-12-30&open=true&scope=${scope}`;
  return ask(server.adminUrl, `/v1/reports/${name}`, query);
}

/** How to merge columns that are not sums, by name; `derived` columns are computed from others. */
const adding: Readonly<Record<string, (a: number, b: number) => number>> = {
  late: Math.max,
  ahead: Math.max,
  max: Math.max,
};
const derived = ['mean'];
const periodsOf: Readonly<Record<string, readonly string[]>> = {
  top: ['min'],
  methods: ['sec', 'min'],
};

/** The merged rows of all nodes, by window and, if a window has several rows, by their text. */
async function sumOf(nodes: readonly Server[], name: string, period: string) {
  const sum = new Map<string, Record<string, number>>();
  for (const node of nodes) addRows(sum, await askReport(node, name, period));
  return sum;
}

function addRows(sum: Map<string, Record<string, number>>, { columns, rows }: Report): void {
  for (const row of rows) {
    const key = row.filter((cell, index) => index === 0 || typeof cell === 'string').join(' ');
    const before = sum.get(key);
    const cells: Record<string, number> = {};
    for (const [index, column] of columns.entries()) {
      const cell = row[index];
      if (index === 0 || typeof cell !== 'number' || derived.includes(column)) continue;
      const add = adding[column] ?? ((a: number, b: number) => a + b);
      cells[column] = before === undefined ? cell : add(before[column] ?? 0, cell);
    }
    sum.set(key, cells);
  }
}

/**
 * Waits until the merger's rows equal the merged rows of the nodes; fails if that never happens.
 */
async function expectMerged(merger: Server, nodes: readonly Server[], name: string) {
  for (const period of periodsOf[name] ?? ['ms10', 'sec', 'min']) {
    let wanted = new Map();
    const got = new Map();
    const same = async (): Promise<boolean> => {
      wanted = await sumOf(nodes, name, period);
      got.clear();
      // A merger that has just started may not know the report yet.
      const answer = await askReport(merger, name, period, 'cluster').catch(() => undefined);
      if (answer !== undefined) addRows(got, answer);
      return JSON.stringify([...got].sort()) === JSON.stringify([...wanted].sort());
    };
    await waitUntil(`the cluster has the same ${name} ${period}`, same).catch((error) => {
      expect(got).toEqual(wanted);
      throw error;
    });
    expect(wanted.size).toBeGreaterThan(0);
  }
}

function stamp(timeMs: number): string {
  return `value=${new Date(timeMs).toISOString().replace('T', ' ').replace('Z', '')}000`;
}

async function post(server: Server, path: string, body = ''): Promise<void> {
  await fetch(`http://127.0.0.1:${server.port}${path}`, { method: 'POST', body });
}

const methods = (columns: string, more = ''): string => `
import { defineReport } from 'reto3/report';
export default defineReport({
  name: 'methods', summary: 'POSTs and others', needs: 'head',
  columns: { posts: 'POSTs', others: 'others' },
  create: () => ({ posts: 0, others: 0 }),
  add(sum, message) { if (message.method === 'POST') sum.posts++; else sum.others++; ${more} },
  merge: (a, b) => ({ posts: a.posts + b.posts, others: a.others + b.others }),
  rows: (sum) => [${columns}],
});`;

async function moduleWith(code: string): Promise<string> {
  const path = join(await temporaryFolder(), 'methods.mjs');
  await writeFile(path, code);
  return path;
}

withNats("the cluster's reports merge those of its nodes", async () => {
  const nats = await NatsServers.start();
  const mine = await moduleWith(methods('sum'));
  const flags = ['--report', 'top,sizes,generated,lag,by:path', '--report', mine];
  const folderOfA = await temporaryFolder();
  let [a, b] = await Promise.all([
    startNode({ nats, name: 'a', dataDir: folderOfA, flags }),
    startNode({ nats, name: 'b', flags }),
  ]);
  const folderOfM = await temporaryFolder();
  let merger = await startNode({
    nats,
    name: 'm',
    role: 'merge',
    dataDir: folderOfM,
    flags: ['--report', mine],
  });
  await Promise.all([a, b].map((node) => send(node, 3_000)));
  const hoursAgo = Date.now() - 4 * 3_600_000;
  for (let index = 0; index < 20; index++) {
    await post(a, `/a${index % 3}`, stamp(hoursAgo + 7 * index));
    await post(b, `/b${index % 2}`, stamp(hoursAgo + 9 * index));
  }
  // Published rows are on disk, so the node keeps them all over its restart.
  await a.kill();
  a = await startNode({ nats, name: 'a', dataDir: folderOfA, flags });
  await send(a, 1_000);
  await post(a, '/late', stamp(hoursAgo));
  for (const name of ['sizes', 'generated', 'top', 'by:path', 'methods'])
    await expectMerged(merger, [a, b], name);

  // A killed merger reads again whatever it had not saved, and gives the same answer.
  await merger.kill();
  await send(b, 500);
  merger = await startNode({ nats, name: 'm', role: 'merge', dataDir: folderOfM });
  for (const name of ['sizes', 'generated', 'top', 'by:path'])
    await expectMerged(merger, [a, b], name);
  const unloaded = await runCli(['report', 'methods', '--cluster', '--url', merger.adminUrl]);
  expect(unloaded).toMatchObject({ code: 1, stdout: '' });
  expect(unloaded.stderr).toMatch(
    /cannot read the stored report "methods": its module is not loaded \(.*--report/,
  );

  const sent = (await sumOf([a, b], 'sizes', 'min')).values();
  const messages = [...sent].reduce((sum, cells) => sum + (cells['messages'] ?? 0), 0);
  await waitUntil('all of it is final', async () => {
    const final = await runCli([
      ...['report', 'sizes', 'sec', '--cluster', '--from', '1h', '--format', 'csv'],
      ...['--url', merger.adminUrl],
    ]);
    const rows = final.stdout.trim().split('\n').slice(1);
    return rows.reduce((sum, row) => sum + Number(row.split(',')[1]), 0) === messages;
  });
  await Promise.all([a.stop(), b.stop()]);
  await merger.stop();
  const folder = ['--cluster', '--data-dir', folderOfM];
  const stored = await runCli(['report', 'methods', 'min', '--report', mine, ...folder]);
  expect(stored).toMatchObject({ code: 0, stderr: expect.stringMatching(partialNote) });
  const posts = [...stored.stdout.matchAll(/posts=(\d+)/g)].reduce((s, [, n]) => s + Number(n), 0);
  expect(posts).toBe(messages);

  const listed = await runCli(['reports', '--json', ...folder]);
  expect(JSON.parse(listed.stdout)).toContainEqual(
    expect.objectContaining({
      name: 'methods',
      running: false,
      nodes: [
        { name: 'a', state: 'stopped' },
        { name: 'b', state: 'stopped' },
      ],
    }),
  );
  // A Parquet file has the columns that the list names.
  const file = join(await temporaryFolder(), 'sizes.parquet');
  const parquet = ['--format', 'parquet', '--output', file];
  const written = await runCli(['report', 'sizes', 'min', '--from', '0', ...folder, ...parquet]);
  expect(written).toMatchObject({ code: 0, stderr: expect.stringMatching(partialNote) });
  expect((await readFile(file)).includes('messages')).toBe(true);
});

withNats('names who was behind a burst of the cluster, and of one node', async () => {
  const nats = await NatsServers.start();
  const flags = ['--report', 'by:path'];
  const [a, b] = await Promise.all([
    startNode({ nats, name: 'a', flags }),
    startNode({ nats, name: 'b', flags }),
  ]);
  // The merger's own archive knows nothing about its nodes.
  const reader = { nats, name: 'm', role: 'both', flags: [...flags, '--archive'] } as const;
  const merger = await startNode(reader);
  await Promise.all([sendBurst(a.port), send(b, 500)]);
  const who = async (...more: string[]): Promise<Bursts> => {
    const range = ['--last', '6000', '--open', '--url', merger.adminUrl];
    const { stdout, stderr } = await runCli(['bursts', '--who', '--json', ...more, ...range]);
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout);
  };
  await waitUntil('the merger has the rows of both', async () => {
    const { stdout } = await runCli([
      ...['report', 'by:path', '--total', '--cluster', '--open', '--from', '1m', '--json'],
      ...['--url', merger.adminUrl],
    ]);
    const counted = (stdout === '' ? [] : JSON.parse(stdout).rows) as [number, string, number][];
    const all = counted.reduce((sum, [, , count]) => sum + count, 0);
    return all === burst + others + 500;
  });
  const checkout = ({ bursts }: Bursts) =>
    bursts.list.flatMap(({ who: keys = [] }) => keys.filter(({ key }) => key === '/checkout'));
  for (const whose of [['--cluster'], ['--node', 'a']]) {
    const [named] = checkout(await who(...whose));
    expect(named).toMatchObject({ key: '/checkout', exact: false });
  }
  expect(checkout(await who('--node', 'b'))).toEqual([]);

  // A node without the report may have had requests from whoever was behind the burst.
  const c = await startNode({ nats, name: 'c' });
  await send(c, 1);
  await waitUntil('c is missed', () =>
    who('--cluster').then(
      () => false,
      ({ message }) => /cannot name who it was without c: no by:path there/.test(message),
    ),
  );
  expect(checkout(await who('--node', 'a'))).not.toEqual([]);
});

withNats('names nodes that have another report of that name, or none', async () => {
  const nats = await NatsServers.start();
  const [mine, theirs] = await Promise.all([
    moduleWith(methods('sum')),
    moduleWith(methods('sum', 'sum.posts++;')),
  ]);
  const [a, b, c] = await Promise.all([
    startNode({ nats, name: 'a', role: 'both', flags: ['--report', mine] }),
    startNode({ nats, name: 'b', flags: ['--report', theirs] }),
    startNode({ nats, name: 'c' }),
  ]);
  for (const node of [a, b, c]) await post(node, '/');
  const at = ['--url', a.adminUrl];
  const all = ['report', 'methods', 'min', '--cluster', '--open', ...at];
  await waitUntil('all nodes are heard of', async () => {
    const { stdout, stderr } = await runCli(all);
    return stdout !== '' && stderr.includes('node b') && stderr.includes('without c');
  });
  const shown = await runCli(all);
  expect(shown).toMatchObject({ code: 1 });
  expect(shown.stdout).toMatch(/^\d{4}-.*, posts=1, others=0\n$/);
  expect(shown.stderr).toMatch(/reto3: without c: they do not run methods\n/);
  expect(shown.stderr).toMatch(/node b runs another report of that name \(\w+, here \w+\)/);
  const list = await runCli(['reports', '--cluster', ...at]);
  expect(list.stdout).toMatch(
    / {2}node a: runs it\n {2}node b: runs a different .*\n {2}node c: counts/,
  );
  const missing = await runCli(['report', 'lag', '--cluster', ...at]);
  expect(missing.stderr).toMatch(/got report "lag", want one of methods/);
});

withNats('messages that a restored backup lacks no longer count', async () => {
  const nats = await NatsServers.start();
  const flags = ['--report', 'sizes'];
  const merger = await startNode({ nats, name: 'm', role: 'merge', flags });
  const dataDir = await temporaryFolder();
  const node = await startNode({ nats, name: 'a', dataDir, flags });
  await send(node, 300);
  const backup = join(await temporaryFolder(), 'backup.reto3');
  const saved = await runCli(['backup', backup, '--url', node.adminUrl]);
  expect(saved.code).toBe(0);
  await send(node, 700);
  await expectMerged(merger, [node], 'sizes');
  await node.kill();
  const restored = join(await temporaryFolder(), 'data');
  expect((await runCli(['restore', backup, '--data-dir', restored])).code).toBe(0);
  const again = await startNode({ nats, name: 'a', dataDir: restored, flags });
  await send(again, 100);
  await expectMerged(merger, [again], 'sizes');
});
