/**
 * deploy/groups/docker-compose.yml: the merger has the exact sum of both groups, whatever is killed
 * meanwhile.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitUntil } from '../support/wait.ts';
import { Compose, docker } from './compose.ts';
import { expectCluster, liveNodes, total } from './counts.ts';

const east = { server: 'server-east', port: 8080 };
const west = { server: 'server-west', port: 8090 };
let compose: Compose;
let merger: string;
let sent = 0;

beforeAll(async () => {
  compose = await Compose.open({
    file: 'deploy/groups/docker-compose.yml',
    built: ['server-east', 'server-west', 'merger'],
    environment: {},
  });
  await compose.run('build');
  await compose.run('up', '--detach');
  merger = await compose.container('merger');
  await bothLive();
});

afterAll(() => compose?.close());

/** Waits until the merger hears both groups. */
async function bothLive(): Promise<void> {
  await waitUntil('the merger hears both groups', async () => (await liveNodes(merger)) === 2);
}

async function send(messages: number, ...groups: readonly { readonly port: number }[]) {
  for (const { port } of groups) {
    for (let index = 0; index < messages; index++)
      expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
    sent += messages;
  }
}

test('the merger adds up both groups', async () => {
  await send(200, east);
  await send(300, west);
  await expectCluster(merger, sent);
  expect(await total(merger, 'sec', '--node', 'east-1')).toBe(200);
  expect(await total(merger, 'sec', '--node', 'west-1')).toBe(300);
});

test.each(['nats-east', 'nats-west', 'merger'])(
  '%s is killed: both groups count on, and the sum is exact once it is back',
  async (service) => {
    const container = await compose.container(service);
    await docker('kill', container);
    await send(100, east, west);
    await docker('start', container);
    await send(100, east, west);
    await bothLive();
    await expectCluster(merger, sent);
  },
);

test.each([
  [east.server, west],
  [west.server, east],
])('%s is killed: the other group counts on, and the sum is exact', async (service, other) => {
  const container = await compose.container(service);
  await docker('kill', container);
  await send(100, other);
  await expectCluster(merger, sent);
  await docker('start', container);
  await docker('exec', container, 'sh', '-c', 'until reto3 health; do sleep 0.2; done');
  await bothLive();
  await send(100, east, west);
  await expectCluster(merger, sent);
});
