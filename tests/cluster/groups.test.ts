/** Two groups of nodes, each with a NATS server and a stream of its own, and the sum over both. */
import { freePort } from '@reto3/bench/src/free-port.ts';
import { expect } from 'vitest';
import { ask } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { expectSum, messagesInCluster, startNode } from '../support/cluster.ts';
import { temporaryFolder } from '../support/folder.ts';
import { send } from '../support/load.ts';
import { NatsServers } from '../support/nats.ts';
import { requires } from '../support/requirement.ts';
import { thisSecond } from '../support/stats.ts';
import { waitUntil } from '../support/wait.ts';

const withNats = requires('nats-server');

/** The NATS server of one group is a leaf node of the other's, in a JetStream domain of its own. */
async function startGroups() {
  const leafPort = await freePort();
  const east = await NatsServers.start(1, [], {
    domain: 'east',
    lines: `leafnodes { listen: "127.0.0.1:${leafPort}" }`,
  });
  const west = await NatsServers.start(1, [], {
    domain: 'west',
    lines: `leafnodes { remotes: [{ url: "nats-leaf://127.0.0.1:${leafPort}" }] }`,
  });
  const inEast = ['--nats-stream', 'EAST', '--nats-subject', 'reto3.east'];
  const inWest = ['--nats-stream', 'WEST', '--nats-subject', 'reto3.west'];
  const groups = ['--nats-group', 'EAST=reto3.east', '--nats-group', 'WEST@west=reto3.west'];
  const ofAll = ['--nats-stream', 'ALL', ...groups];
  return { east, west, inEast, inWest, ofAll };
}

withNats('one merger adds up two groups, and reads from their nodes what is missing', async () => {
  const from = thisSecond();
  const { east, west, inEast, inWest, ofAll } = await startGroups();
  const [a, b] = await Promise.all([
    startNode({ nats: east, name: 'a', flags: inEast }),
    startNode({ nats: west, name: 'b', flags: inWest }),
  ]);
  const group = await startNode({ nats: west, name: 'w', role: 'merge', flags: inWest });
  const dataDir = await temporaryFolder();
  let all = await startNode({ nats: east, name: 'm', role: 'merge', dataDir, flags: ofAll });
  let answered = (await send(a, 2_000)) + (await send(b, 1_000));
  await waitUntil('the sum has both groups', async () => {
    return (await messagesInCluster(all, from)) === answered;
  });
  await expectSum(all, [a, b], from);
  await expectSum(group, [b], from);
  const { nodes = [] } = await ask(all.adminUrl, '/v1/cluster');
  expect(nodes.map(({ name, state }) => [name, state])).toEqual([
    ['a', 'live'],
    ['b', 'live'],
  ]);
  const { streams } = await east.manage(async (manager) => ({
    streams: (await manager.streams.info('ALL')).config.sources ?? [],
  }));
  expect(streams.map(({ name }) => name)).toEqual(['EAST', 'WEST']);

  // What the stream of all loses comes from the nodes, over both NATS servers.
  await all.kill();
  await east.manage((manager) => manager.streams.delete('ALL'));
  answered += (await send(a, 500)) + (await send(b, 500));
  all = await startNode({ nats: east, name: 'm', role: 'merge', dataDir, flags: ofAll });
  await waitUntil('it has all again', async () => {
    return (await messagesInCluster(all, from)) === answered;
  });
  await waitUntil('every node and hour is equal', async () => {
    return (await runCli(['audit', '--cluster', '--url', all.adminUrl])).code === 0;
  });

  // A group that is cut off counts on, and is added up when it is back.
  await west.kill(0);
  answered += await send(b, 300);
  west.restart(0);
  await west.ready();
  await waitUntil('it has what was counted meanwhile', async () => {
    return (await messagesInCluster(all, from)) === answered;
  });
});

withNats('of two nodes with one name in two groups the later start counts', async () => {
  const from = thisSecond();
  const { east, west, inEast, inWest, ofAll } = await startGroups();
  const first = await startNode({ nats: east, name: 'web', flags: inEast });
  const all = await startNode({ nats: east, name: 'm', role: 'merge', flags: ofAll });
  await send(first, 100);
  await waitUntil('the first is added up', async () => {
    return (await messagesInCluster(all, from)) === 100;
  });
  const second = await startNode({ nats: west, name: 'web', flags: inWest });
  await waitUntil('the other is refused, by its subject', () =>
    /"from":"reto3\.east\.web".*a node in reto3\.west has its name: names must be unique/.test(
      all.stderr,
    ),
  );
  const { merger } = await ask(all.adminUrl, '/v1/cluster');
  expect(merger?.badMessages).toBeGreaterThan(0);
  expect(second.stderr).not.toContain('another server publishes as');
});
