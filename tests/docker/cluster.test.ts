/**
 * deploy/docker-compose.cluster.yml with three servers: the merger's count equals Tsung's answers
 * exactly, whatever is killed meanwhile.
 */
import { get } from 'node:https';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { figure } from '../support/figure.ts';
import { waitUntil } from '../support/wait.ts';
import { Compose, docker } from './compose.ts';
import { expectCluster, liveNodes, total } from './counts.ts';

const servers = 3;
let compose: Compose;
let merger: string;

beforeAll(async () => {
  compose = await Compose.open({
    file: 'deploy/docker-compose.cluster.yml',
    built: ['server', 'merger', 'load'],
    environment: { RETO3_LOAD_DURATION: '20s' },
  });
  await compose.run('build');
  // Starting haproxy also starts everything it depends on.
  await compose.run('up', '--detach', '--scale', `server=${servers}`, 'haproxy', 'merger');
  for (const index of [1, 2, 3]) await compose.run('up', '--detach', '--no-deps', `nats-${index}`);
  merger = await compose.container('merger');
  await ready();
});

afterAll(() => compose?.close());

async function nodesTotal(): Promise<number> {
  let sum = 0;
  for (const server of await compose.containers('server')) sum += await total(server, 'ms10');
  return sum;
}

/** Waits until haproxy accepts requests, and the merger hears every node. */
async function ready(): Promise<void> {
  const haproxy = await compose.container('haproxy');
  await waitUntil('haproxy is healthy, and every node is live', async () => {
    const health = await docker('inspect', '--format', '{{.State.Health.Status}}', haproxy);
    return health === 'healthy' && (await liveNodes(merger)) === servers;
  });
}

/** Runs the load; returns the number of Tsung's requests that were answered with 200. */
async function load(): Promise<number> {
  const args = ['run', '--rm', '--no-deps', 'load', '--json'];
  // The load fails if a request fails; the test judges how many did.
  const said = await compose.run(...args).catch((error: { stdout?: string }) => error.stdout ?? '');
  const { messages } = JSON.parse(said);
  return messages;
}

let answered = 0;

test("three servers behind haproxy: the cluster counts exactly Tsung's answers", async () => {
  answered += await load();
  figure('cluster: Tsung counted', answered);
  expect(answered).toBeGreaterThan(20_000);
  await expectCluster(merger, answered);
  expect(await nodesTotal()).toBe(answered);
  for (const server of await compose.containers('server'))
    expect(await total(server, 'ms10')).toBeGreaterThan(answered / servers / 2);
});

test('each NATS server is killed under load: the counts stay exact', async () => {
  const running = load();
  for (const index of [1, 2, 3]) {
    await setTimeout(3_000);
    const nats = await compose.container(`nats-${index}`);
    await docker('kill', nats);
    await setTimeout(2_000);
    await docker('start', nats);
  }
  answered += await running;
  await expectCluster(merger, answered);
});

test('the merger is killed under load: the counts stay exact', async () => {
  const running = load();
  await setTimeout(8_000);
  await docker('kill', merger);
  await setTimeout(3_000);
  await docker('start', merger);
  answered += await running;
  await expectCluster(merger, answered);
});

test('a server is killed under load and comes back: the cluster follows its store', async () => {
  const [server = ''] = await compose.containers('server');
  const running = load();
  await setTimeout(8_000);
  await docker('kill', server);
  await setTimeout(3_000);
  await docker('start', server);
  const more = await running;
  expect(more).toBeGreaterThan(20_000);
  await waitUntil('it is back', async () => (await liveNodes(merger)) === servers);
  const held = await nodesTotal();
  figure(
    'cluster: answered with a server killed, and in the stores',
    `${more}, ${held - answered}`,
  );
  await expectCluster(merger, held);
});

test('haproxy is killed under load: the cluster has what the servers counted', async () => {
  const before = await nodesTotal();
  const haproxy = await compose.container('haproxy');
  const running = load();
  await setTimeout(8_000);
  await docker('kill', haproxy);
  await setTimeout(2_000);
  await docker('start', haproxy);
  const more = await running;
  await ready();
  const held = await nodesTotal();
  figure('cluster: answered with haproxy killed, and counted', `${more}, ${held - before}`);
  expect(more).toBeGreaterThan(20_000);
  // The answers to some messages died with haproxy.
  expect(held - before).toBeGreaterThanOrEqual(more);
  await expectCluster(merger, held);
});

test('the load is killed: the cluster has what the servers counted', async () => {
  const before = await nodesTotal();
  const running = compose.run('run', '--rm', '--no-deps', 'load').catch(() => undefined);
  await setTimeout(8_000);
  await docker('kill', await docker('ps', '--quiet', '--filter', 'ancestor=reto3-load'));
  await running;
  const held = await nodesTotal();
  expect(held).toBeGreaterThan(before);
  await expectCluster(merger, held);
});

test('haproxy serves TLS, and a node can write only to its data', async () => {
  const before = await nodesTotal();
  const status = await new Promise((resolve, reject) => {
    // The container made the certificate at its start.
    get('https://127.0.0.1:8443/', { rejectUnauthorized: false }, (response) => {
      resolve(response.resume().statusCode);
    }).once('error', reject);
  });
  expect(status).toBe(200);
  await expectCluster(merger, before + 1);
  for (const container of [...(await compose.containers('server')), merger]) {
    const inside = (command: string) => docker('exec', container, 'sh', '-c', command);
    expect(await inside('touch /app/x 2>&1 || true')).toContain('Read-only file system');
    const rights = await inside('cat /proc/1/status');
    expect(rights).toMatch(/^CapEff:\s+0+$/m);
    expect(rights).toMatch(/^NoNewPrivs:\s+1$/m);
  }
});

/** Whether bash in one container can connect to this address. */
async function canConnect(from: string, address: string, port: number): Promise<boolean> {
  const connect = `timeout 3 bash -c 'exec 3<>/dev/tcp/${address}/${port}' && echo yes || echo no`;
  return (await docker('exec', from, 'bash', '-c', connect)).endsWith('yes');
}

/** A container's addresses, one per network. */
async function addresses(container: string): Promise<readonly string[]> {
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}';
  return (await docker('inspect', '--format', format, container)).trim().split(' ');
}

test('haproxy can reach neither NATS nor a query API', async () => {
  const haproxy = await compose.container('haproxy');
  const [server = ''] = await compose.containers('server');
  const nats = await compose.container('nats-1');
  const reached = async (from: string, to: string, port: number): Promise<number> => {
    const tried = (await addresses(to)).map((address) => canConnect(from, address, port));
    return (await Promise.all(tried)).filter(Boolean).length;
  };
  // First prove that the check finds the routes that exist.
  expect(await reached(haproxy, server, 8080)).toBe(1);
  expect(await reached(server, nats, 4222)).toBe(1);
  expect(await reached(server, merger, 8081)).toBe(1);

  expect(await reached(haproxy, server, 8081)).toBe(0);
  expect(await reached(haproxy, merger, 8081)).toBe(0);
  for (const index of [1, 2, 3]) {
    const one = await compose.container(`nats-${index}`);
    for (const port of [4222, 6222]) expect(await reached(haproxy, one, port)).toBe(0);
  }
});

test('every container has memory and process limits', async () => {
  const ids = (await compose.run('ps', '--quiet')).trim().split('\n');
  expect(ids.length).toBeGreaterThan(servers + 4);
  for (const id of ids) {
    const format = '{{.Name}} {{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}';
    expect(await docker('inspect', '--format', format, id)).toMatch(/ [1-9]\d{7,} [1-9]\d*$/);
  }
});

test('haproxy closes a connection whose request head never ends', async () => {
  const socket = connect(8080, '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: localhost\r\n');
  const dripping = setInterval(() => socket.write('X: x\r\n'), 1_000);
  let answer = '';
  let closed = false;
  socket.on('data', (piece) => (answer += String(piece)));
  socket.on('error', () => undefined).once('close', () => (closed = true));
  try {
    await waitUntil('it is closed', () => closed);
  } finally {
    clearInterval(dripping);
    socket.destroy();
  }
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
});
