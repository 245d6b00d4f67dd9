/** A stream that another program or an earlier version made, and a merger that has not read it yet. */
import { nanos } from '@nats-io/transport-node';
import { expect } from 'vitest';
import { ask } from '../support/api.ts';
import { messagesInCluster, startNode } from '../support/cluster.ts';
import { temporaryFolder } from '../support/folder.ts';
import { send } from '../support/load.ts';
import { NatsServers } from '../support/nats.ts';
import { requires } from '../support/requirement.ts';
import type { Server } from '../support/server.ts';
import { thisSecond } from '../support/stats.ts';
import { waitUntil } from '../support/wait.ts';

const withNats = requires('nats-server');
const name = 'RETO3_WINDOWS';

withNats('a stream with other subjects is left alone, and the cure is said', async () => {
  const nats = await NatsServers.start();
  await nats.manage(({ streams }) => streams.add({ name, subjects: ['others.*'] }));
  const node = await startNode({ nats, name: 'a', role: 'both' });
  const reason = `cannot use the stream ${name}: got subjects others.*, want reto3.windows.* among them`;
  const problem = `cannot use NATS: ${reason} [RETO3_STREAM_UNFIT]`;
  await waitUntil('the problem is known', async () => {
    return (await ask(node.adminUrl, '/v1/cluster')).problem === problem;
  });
  expect(node.stderr.split(reason)).toHaveLength(2);
  await send(node, 100);
  const { config, state } = await nats.manage(({ streams }) => streams.info(name));
  expect(config.subjects).toEqual(['others.*']);
  expect(state.messages).toBe(0);
});

withNats(
  'a stream that a server creates keeps the last thousand messages of each node',
  async () => {
    const nats = await NatsServers.start();
    await startNode({ nats, name: 'a' });
    let bound: number | undefined;
    await waitUntil('the stream is there', async () => {
      const looking = nats.manage(({ streams }) => streams.info(name));
      bound = (await looking.catch(() => undefined))?.config.max_msgs_per_subject;
      return bound !== undefined;
    });
    expect(bound).toBe(1_000);
  },
);

withNats('a stream of version 0.1.0 is used, and its missing bound is said once', async () => {
  const nats = await NatsServers.start();
  const made = { subjects: ['reto3.windows.*'], max_age: nanos(24 * 3_600_000) };
  await nats.manage(({ streams }) => streams.add({ name, ...made }));
  const from = thisSecond();
  const node = await startNode({ nats, name: 'a', role: 'both' });
  const answered = await send(node, 100);
  await waitUntil('the cluster has all', async () => {
    return (await messagesInCluster(node, from)) === answered;
  });
  await nats.kill(0);
  nats.restart(0);
  await nats.ready();
  await waitUntil('it goes on', async () => {
    return (await ask(node.adminUrl, '/v1/cluster')).problem === undefined;
  });
  const cure = `nats stream edit ${name} --max-msgs-per-subject=1000`;
  expect(node.stderr.split(cure)).toHaveLength(2);
});

withNats('a server that only merges is not ready before it has read what it lacks', async () => {
  const nats = await NatsServers.start();
  const from = thisSecond();
  const node = await startNode({ nats, name: 'a' });
  const answered = await send(node, 100);
  const dataDir = await temporaryFolder();
  const startMerger = () => startNode({ nats, name: 'm', role: 'merge', dataDir });
  const readiness = async (server: Server): Promise<readonly [number, string]> => {
    const response = await fetch(`${server.adminUrl}/readyz`);
    return [response.status, await response.text()];
  };
  const isReady = async (server: Server): Promise<boolean> => (await readiness(server))[0] === 200;
  const whileNatsIsAway = async (): Promise<readonly [number, string]> => {
    await nats.kill(0);
    const merger = await startMerger();
    const seen = await readiness(merger);
    nats.restart(0);
    await nats.ready();
    await waitUntil('the merger is ready', () => isReady(merger));
    await waitUntil('it has all', async () => {
      return (await messagesInCluster(merger, from)) === answered;
    });
    await merger.stop();
    return seen;
  };
  expect(await whileNatsIsAway()).toEqual([503, expect.stringContaining('not read the stream')]);
  expect(await whileNatsIsAway()).toEqual([503, expect.stringContaining('counts of 1 node')]);
});
