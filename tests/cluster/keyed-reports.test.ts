/**
 * Reports with keys of a cluster on a real nats-server: no message is outside their rows, and they
 * name who was behind a burst in the folder that a merger leaves.
 */
import type { Bursts } from '@reto3/client/answers';
import { periodNames } from '@reto3/core';
import { expect } from 'vitest';
import { ask, askStats } from '../support/api.ts';
import { burst, largestOf, others, sendBurst } from '../support/burst.ts';
import { runCli } from '../support/cli.ts';
import { startNode } from '../support/cluster.ts';
import { temporaryFolder } from '../support/folder.ts';
import { send } from '../support/load.ts';
import { NatsServers } from '../support/nats.ts';
import { exchange } from '../support/raw-http.ts';
import { requires } from '../support/requirement.ts';
import type { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';
import { type Counts, countsOf, sumOf } from '../support/windows.ts';

const withNats = requires('nats-server');
const flags = ['--report', 'by:path'];
const everything = 'from=0&to=9999-12-30&open=true';

/** What the rows of `by:path` add up to, by window. */
async function keyedCounts(server: Server, period: string, scope: string): Promise<Counts> {
  const query = `period=${period}&scope=${scope}&${everything}`;
  const { rows } = await ask(server.adminUrl, '/v1/reports/by:path', query);
  const counts = new Map<number, number>();
  for (const [start, , count] of rows)
    counts.set(Number(start), (counts.get(Number(start)) ?? 0) + Number(count));
  return counts;
}

/** A merger may not have heard of the report yet. */
function mergedCounts(merger: Server, period: string): Promise<Counts> {
  return keyedCounts(merger, period, 'cluster').catch(() => new Map());
}

withNats('rows of many keys add up to the counts of all nodes, in every window', async () => {
  const nats = await NatsServers.start();
  const [a, b, merger] = await Promise.all([
    startNode({ nats, name: 'a', flags }),
    startNode({ nats, name: 'b', flags }),
    startNode({ nats, name: 'm', role: 'merge' }),
  ]);
  // More keys than a window lists, half of them on both nodes.
  const flood = async (node: Server, from: number): Promise<void> => {
    const paths = Array.from({ length: 500 }, (_, index) => `GET /${from + index} HTTP/1.1`);
    const requests = paths.map((line) => `${line}\r\nHost: shop\r\n\r\n`).join('');
    for (let round = 0; round < 3; round++) await exchange(node.port, [requests], 500);
  };
  await Promise.all([flood(a, 0), flood(b, 250)]);
  for (const period of periodNames) {
    const wanted = new Map<number, number>();
    for (const node of [a, b])
      for (const [start, count] of await keyedCounts(node, period, 'node'))
        wanted.set(start, (wanted.get(start) ?? 0) + count);
    expect(sumOf(wanted)).toBe(3_000);
    await waitUntil(`the cluster has all of ${period}`, async () => {
      return sumOf(await mergedCounts(merger, period)) >= 3_000;
    });
    const merged = await mergedCounts(merger, period);
    expect(merged).toEqual(new Map([...wanted].sort(([x], [y]) => x - y)));
    const counted = countsOf(
      await askStats(merger.adminUrl, period, `${everything}&scope=cluster`),
    );
    expect(merged).toEqual(new Map([...counted].filter(([, count]) => count > 0)));
  }
});

withNats('the folder of a merger names who was behind a burst', async () => {
  const nats = await NatsServers.start();
  const dataDir = await temporaryFolder();
  const [a, b, merger] = await Promise.all([
    startNode({ nats, name: 'a', flags }),
    startNode({ nats, name: 'b', flags }),
    startNode({ nats, name: 'm', role: 'merge', dataDir }),
  ]);
  const all = burst + others + (await send(b, 500));
  await sendBurst(a.port);
  await waitUntil('the merger has all rows', async () => {
    return sumOf(await mergedCounts(merger, 'ms10')) === all;
  });
  await Promise.all([a.stop(), b.stop()]);
  await merger.stop();
  const asked = ['bursts', '--cluster', '--data-dir', dataDir, '--last', '6000', '--open'];
  const { code, stdout, stderr } = await runCli([...asked, '--who', '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const named: Bursts = JSON.parse(stdout);
  expect(named.bursts.list.flatMap(({ who = [] }) => who.map(({ key }) => key))).toContain(
    '/checkout',
  );
  expect(largestOf(named)?.who?.every(({ exact }) => !exact)).toBe(true);
  const none = await runCli([...asked, '--who', 'host']);
  expect(none).toMatchObject({ code: 1, stdout: '' });
  expect(none.stderr).toMatch(/there is no report by:host of any node in .*--report by:host/s);
});
