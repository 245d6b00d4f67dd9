/**
 * The cluster on a real nats-server: the merger's counts equal the sum of the nodes' stores in all
 * three periods, whatever is killed, purged or down.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { LiveEvent, Stats } from '@reto3/client/answers';
import { expect } from 'vitest';
import { ask, askInfo, askStats } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { expectSum, messagesIn, messagesInCluster, startNode } from '../support/cluster.ts';
import { temporaryFolder } from '../support/folder.ts';
import { send } from '../support/load.ts';
import { scrape } from '../support/metrics.ts';
import { NatsServers } from '../support/nats.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { thisSecond } from '../support/stats.ts';
import { waitUntil } from '../support/wait.ts';

const withNats = requires('nats-server');

/**
 * Resolves when the cluster is final up to `through`; before that, a node's newest windows may be
 * on their way to the merger.
 */
async function untilFinal(merger: Server, through: number): Promise<void> {
  await waitUntil('what the nodes counted until now is final in the cluster', async () => {
    const answer = await ask(merger.adminUrl, '/v1/cluster');
    return (answer.merger?.finalThrough ?? 0) >= through;
  });
}

withNats('adds up the counts of all nodes, and names the nodes', async () => {
  const from = thisSecond();
  const nats = await NatsServers.start();
  const [a, b, both] = await Promise.all([
    startNode({ nats, name: 'a' }),
    startNode({ nats, name: 'b' }),
    startNode({ nats, name: 'both', role: 'both' }),
  ]);
  const merger = await startNode({ nats, name: 'm', role: 'merge' });
  const answered = (await Promise.all([a, b, both].map((node) => send(node, 4_000)))).reduce(
    (sum, count) => sum + count,
  );
  await setTimeout(1_000);
  for (const reader of [merger, both]) {
    await expectSum(reader, [a, b, both], from);
    expect(await messagesInCluster(reader, from)).toBe(answered);
    await untilFinal(reader, thisSecond());
  }
  const printed = await runCli(['cluster', '--url', merger.adminUrl]);
  expect(printed.stderr).toBe('');
  for (const name of ['a', 'b', 'both']) {
    expect(printed.stdout).toMatch(new RegExp(`^${name} +live +[\\d.]+ +[\\d.]+ % +\\d+ ms`, 'm'));
    const boot = new RegExp(`^${name} .* (\\d{4}-\\d\\d-\\d\\d [\\d:.]{12}) +\\d+$`, 'm').exec(
      printed.stdout,
    );
    expect(Date.parse(`${boot?.[1]}Z`)).toBeGreaterThan(from);
  }
  const stats = await runCli([
    'stats',
    'sec',
    '--cluster',
    '--from',
    String(from),
    '--url',
    merger.adminUrl,
  ]);
  expect(stats.code).toBe(0);
  const total = [...stats.stdout.matchAll(/, (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
  expect(total).toBe(answered);

  const all = ['--cluster', '--from', String(from), '--json', '--url', merger.adminUrl];
  for (const analysis of [['bursts'], ['whatif', '--capacity', '1000']]) {
    const { stdout } = await runCli([...analysis, ...all]);
    expect(JSON.parse(stdout)).toMatchObject({ scope: 'cluster', messages: answered });
  }
  const top = await runCli(['top', '--cluster', '--url', merger.adminUrl]);
  expect(top.stdout).toMatch(/ cluster of 3 nodes, 3 live {2}asked at m /);
  expect(top.stdout).toMatch(/^a +live +[\d.]+\/s /m);

  for (const question of [['stats', 'sec'], ['bursts']])
    expect((await runCli([...question, '--cluster', '--url', a.adminUrl])).stderr).toContain(
      'this server does not add up a cluster',
    );
  for (const question of [['stats', 'sec'], ['bursts'], ['export', 'min']])
    expect(await runCli([...question, '--url', merger.adminUrl])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('counts nothing itself (add --cluster) [RETO3_NO_DATA]'),
    });
  const { families } = await scrape(both.adminUrl);
  const document = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const rows = document.matchAll(/^\| (reto3_cluster_\w+) \| (\w+) \| (.*?) ?\| /gm);
  const listed = [...rows].map(([, name = '', type, labels]) => [name, `${type} ${labels}`]);
  expect(listed).toEqual([...families].filter(([name]) => name.startsWith('reto3_cluster_')));

  await b.stop();
  await waitUntil('b has left', async () => {
    const { nodes = [] } = await ask(merger.adminUrl, '/v1/cluster');
    return nodes.some(({ name, state }) => name === 'b' && state === 'left');
  });
});

withNats("gives each node's counts exactly as the node has them", async () => {
  const from = thisSecond();
  const nats = await NatsServers.start();
  const [dataDir, mergersDir] = [await temporaryFolder(), await temporaryFolder()];
  const [a, b] = await Promise.all([
    startNode({ nats, name: 'a', dataDir }),
    startNode({ nats, name: 'b' }),
  ]);
  const merger = await startNode({ nats, name: 'm', role: 'merge', dataDir: mergersDir });
  await send(a, 3_000);
  await send(b, 1_000);
  await a.kill();
  const again = await startNode({ nats, name: 'a', dataDir });
  await send(again, 500);
  await setTimeout(1_000);
  await expectSum(merger, [again, b], from);
  const to = thisSecond();
  await untilFinal(merger, to);
  for (const [name, node] of [
    ['a', again],
    ['b', b],
  ] as const)
    for (const period of ['ms10', 'sec', 'min']) {
      const range = `from=${from}&to=${to}&open=true`;
      const own = await askStats(node.adminUrl, period, range);
      const got = await askStats(merger.adminUrl, period, `${range}&node=${name}`);
      expect(got).toMatchObject({ scope: 'cluster', node: name, damaged: [] });
      // The current minute keeps changing.
      const last = period === 'min' ? -1 : undefined;
      expect(got.starts.slice(0, last)).toEqual(own.starts.slice(0, last));
      expect(got.counts.slice(0, last)).toEqual(own.counts.slice(0, last));
    }

  const asked = ['--from', String(from), '--node', 'b', '--json', '--url', merger.adminUrl];
  const seconds: Stats = JSON.parse((await runCli(['stats', 'sec', ...asked])).stdout);
  expect(seconds.counts.reduce((sum, count) => sum + count, 0)).toBe(1_000);
  const { stdout } = await runCli(['bursts', ...asked]);
  expect(JSON.parse(stdout)).toMatchObject({ scope: 'cluster', node: 'b', messages: 1_000 });

  // First stored seconds, then new ones.
  const live = await fetch(`${merger.adminUrl}/v1/live?period=sec&node=b&from=${from}`);
  let [sent, followed] = [1_000, 0];
  for await (const piece of live.body ?? []) {
    for (const [, data = ''] of Buffer.from(piece)
      .toString()
      .matchAll(/^data: (.*)$/gm))
      for (const count of (JSON.parse(data) as LiveEvent).counts) followed += count;
    if (followed === 1_000 && sent === 1_000) sent += await send(b, 200);
    if (followed >= 1_200) break;
  }
  expect(followed).toBe(1_200);

  const refused = async (server: Server, query: string): Promise<string> => {
    const answer = await fetch(`${server.adminUrl}${query}`);
    expect(answer.ok).toBe(false);
    return answer.text();
  };
  for (const path of ['/v1/stats/sec?', '/v1/live?', '/v1/bursts?']) {
    expect(await refused(merger, `${path}node=c`)).toContain(
      'got node \\"c\\"; the cluster has a, b',
    );
    expect(await refused(b, `${path}node=a`)).toContain('this server does not add up a cluster');
    expect(await refused(merger, `${path}node=a&scope=node`)).toContain('RETO3_BAD_REQUEST');
  }
  const unknown = await runCli(['stats', 'sec', '--node', 'c', '--url', merger.adminUrl]);
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain('the cluster has a, b');
  const folder = await runCli(['stats', 'sec', '--node', 'a', '--data-dir', mergersDir]);
  expect(folder.stderr).toContain('got --node with --data-dir');
});

withNats(
  'follows a node that is killed and restarts within the same second, five times',
  async () => {
    const from = thisSecond();
    const nats = await NatsServers.start();
    const dataDir = await temporaryFolder();
    const merger = await startNode({ nats, name: 'm', role: 'merge' });
    let node = await startNode({ nats, dataDir, name: 'a' });
    for (let round = 0; round < 5; round++) {
      await send(node, 2_000);
      await setTimeout(150 * round);
      await node.kill();
      node = await startNode({ nats, dataDir, name: 'a' });
      await send(node, 500);
    }
    await setTimeout(1_000);
    await expectSum(merger, [node], from);
    expect(await messagesInCluster(merger, from)).toBe(await messagesIn([node]));
  },
);

withNats('loses nothing while NATS is down, and ingest continues', async () => {
  const from = thisSecond();
  const nats = await NatsServers.start();
  const merger = await startNode({ nats, name: 'm', role: 'merge' });
  const node = await startNode({ nats, name: 'a' });
  let answered = await send(node, 1_000);
  await nats.kill(0);
  for (let second = 0; second < 4; second++) {
    answered += await send(node, 1_000);
    await setTimeout(1_000);
  }
  const away = await ask(node.adminUrl, '/v1/cluster');
  expect(away.problem).toBeDefined();
  expect(await ask(node.adminUrl, '/readyz')).toEqual({ status: 'ok' });
  nats.restart(0);
  await nats.ready();
  await waitUntil('the cluster has it all', async () => {
    return (await messagesInCluster(merger, from)) === answered;
  });
  await expectSum(merger, [node], from);
});

withNats('is rebuilt from the nodes after the stream is purged or deleted', async () => {
  const from = thisSecond();
  const nats = await NatsServers.start();
  const [a, b] = await Promise.all([
    startNode({ nats, name: 'a' }),
    startNode({ nats, name: 'b' }),
  ]);
  const merger = await startNode({ nats, name: 'm', role: 'merge' });
  const answered = (await send(a, 3_000)) + (await send(b, 2_000));
  await setTimeout(1_500);
  await nats.purge('RETO3_WINDOWS');
  const second = await startNode({ nats, name: 'n', role: 'merge' });
  await waitUntil('a new merger has it all', async () => {
    return (await messagesInCluster(second, from)) === answered;
  });
  await nats.manage((manager) => manager.streams.delete('RETO3_WINDOWS'));
  const more = await send(a, 1_000);
  await second.kill();
  const third = await startNode({ nats, name: 'o', role: 'merge' });
  for (const reader of [merger, third]) {
    await waitUntil('every merger has it all', async () => {
      return (await messagesInCluster(reader, from)) === answered + more;
    });
    await expectSum(reader, [a, b], from);
  }
});

withNats('two mergers agree, even after one is killed', async () => {
  const from = thisSecond();
  const nats = await NatsServers.start();
  const node = await startNode({ nats, name: 'a' });
  const dataDir = await temporaryFolder();
  let merger = await startNode({ nats, dataDir, name: 'm', role: 'merge' });
  const other = await startNode({ nats, name: 'n', role: 'merge' });
  let answered = 0;
  for (let round = 0; round < 3; round++) {
    answered += await send(node, 1_000);
    await merger.kill();
    merger = await startNode({ nats, dataDir, name: 'm', role: 'merge' });
  }
  await setTimeout(1_000);
  for (const reader of [merger, other]) await expectSum(reader, [node], from);
  // A clean stop saves everything: the folder gives the same counts.
  await waitUntil('the merger has it all', async () => {
    return (await messagesInCluster(merger, from)) === answered;
  });
  await merger.stop();
  const stored = await runCli([
    'stats',
    'sec',
    '--cluster',
    '--from',
    String(from),
    '--data-dir',
    dataDir,
  ]);
  const total = [...stored.stdout.matchAll(/, (\d+)$/gm)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  );
  expect(total).toBe(answered);
});

withNats('only one server publishes under a name', async () => {
  const from = thisSecond();
  const nats = await NatsServers.start();
  const merger = await startNode({ nats, name: 'm', role: 'merge' });
  const first = await startNode({ nats, name: 'a' });
  const answered = await send(first, 1_000);
  await waitUntil('it publishes', async () => {
    return (await messagesInCluster(merger, from)) === answered;
  });
  const rival = await startNode({ nats, name: 'a' });
  await send(rival, 500);
  await waitUntil('the rival says why it does not publish', async () => {
    const { problem = '' } = await ask(rival.adminUrl, '/v1/cluster');
    return problem.includes('another server publishes as a');
  });
  expect(await messagesInCluster(merger, from)).toBe(answered);
  await first.stop();
  await waitUntil('the rival takes over', async () => {
    const { problem } = await ask(rival.adminUrl, '/v1/cluster');
    return problem === undefined;
  });
});

withNats('publishes a folder under one name only', async () => {
  const from = thisSecond();
  const nats = await NatsServers.start();
  const merger = await startNode({ nats, name: 'm', role: 'merge' });
  const dataDir = await temporaryFolder();
  const asA = await startNode({ nats, dataDir, name: 'a' });
  let answered = await send(asA, 1_000);
  await waitUntil('the cluster has what a counted', async () => {
    return (await messagesInCluster(merger, from)) === answered;
  });
  await asA.stop();
  const asB = await startNode({ nats, dataDir, name: 'b' });
  answered += await send(asB, 500);
  await waitUntil('it says why it does not publish', async () => {
    const { problem = '' } = await ask(asB.adminUrl, '/v1/cluster');
    return problem.includes('published as a');
  });
  expect(await messagesInCluster(merger, from)).toBe(1_000);
  await asB.stop();
  await startNode({ nats, dataDir, name: 'a' });
  await waitUntil('the cluster has it all, once', async () => {
    return (await messagesInCluster(merger, from)) === answered;
  });
});

withNats('continues without any one of three NATS servers', async () => {
  const from = thisSecond();
  const nats = await NatsServers.start(3);
  const merger = await startNode({ nats, name: 'm', role: 'merge' });
  const node = await startNode({ nats, name: 'a' });
  let answered = 0;
  const countAll = async (what: string): Promise<void> => {
    answered += await send(node, 1_000);
    await waitUntil(what, async () => (await messagesInCluster(merger, from)) === answered);
  };
  await countAll('the cluster counts');
  for (let index = 0; index < nats.count; index++) {
    await nats.kill(index);
    await countAll(`the cluster counts on without server ${index}`);
    nats.restart(index);
    await nats.ready();
  }
  await expectSum(merger, [node], from);
});

withNats('forgets a node that is gone for good, and keeps its counts', async () => {
  const from = thisSecond();
  const nats = await NatsServers.start();
  const dataDir = await temporaryFolder();
  const a = await startNode({ nats, name: 'a', dataDir });
  const b = await startNode({ nats, name: 'b' });
  const flags = ['--silent-after', '2s'];
  const merger = await startNode({ nats, name: 'm', role: 'merge', flags });
  const answered = (await send(a, 700)) + (await send(b, 300));
  await waitUntil('the cluster has it all', async () => {
    return (await messagesInCluster(merger, from)) === answered;
  });
  const forget = (node: string) => runCli(['cluster', '--forget', node, '--url', merger.adminUrl]);
  expect((await forget('a')).stderr).toContain('got node "a", which is live: stop it first');
  expect((await forget('c')).stderr).toContain('the cluster has a, b');
  const states = async () => {
    const { nodes = [] } = await ask(merger.adminUrl, '/v1/cluster');
    return Object.fromEntries(nodes.map(({ name, state }) => [name, state]));
  };
  await a.kill();
  await waitUntil('a is silent', async () => (await states())['a'] === 'silent');
  expect(await forget('a')).toMatchObject({ code: 0, stderr: '' });
  expect(await states()).toEqual({ b: 'live' });
  expect(await messagesInCluster(merger, from)).toBe(answered);
  // Without --node it keeps its folder's name, and is back at once.
  const again = await Server.start({
    dataDir,
    flags: ['--nats', nats.urls, '--role', 'ingest', '--workers', '1'],
  });
  await waitUntil('a is back', async () => (await states())['a'] === 'live');
  expect(await askInfo(again.adminUrl)).toMatchObject({ node: 'a' });
});
