/**
 * Clients of `--ack durable` that do not wait for their answers: they pipeline, half-close or
 * leave. The server counts exactly the requests that it answers.
 */
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { chunked, get, post } from '../hostile/corpus/case.ts';
import { Client } from '../hostile/support/exchange.ts';
import { askInfo } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';

const patienceMs = 10_000;

async function start(flags: readonly string[] = []) {
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--ack', 'durable', ...flags],
  });
  const counted = async (): Promise<number> => (await askInfo(server.adminUrl)).messagesSinceStart;
  return { connect: () => Client.connect(server.port), counted };
}

const withBodies = ['--archive'];

test.each([
  ['counts alone', []],
  ['an archive', withBodies],
])('requests that follow before the answer wait for it: %s', async (_, flags) => {
  const { connect, counted } = await start(flags);
  const body = post(['Content-Length: 5'], 'hello');
  // A busy machine may read both at once, and then neither is counted. Repeat until the second
  // arrives while the answer to the first is pending.
  await waitUntil('both are answered', async () => {
    const before = await counted();
    const client = await connect();
    client.write(get);
    await setTimeout(2);
    client.write(body);
    await waitUntil('all is answered or closed', () => client.answered === 2 || client.closed);
    expect(client.answered).toBe((await counted()) - before);
    client.destroy();
    return client.answered === 2;
  });
});

test.each([
  ['counts alone', []],
  ['an archive', withBodies],
])('requests that share a packet are neither counted nor answered: %s', async (_, flags) => {
  const { connect, counted } = await start(flags);
  for (const bytes of [get + get, get.repeat(16), chunked('0\r\n\r\n') + get]) {
    const client = await connect();
    client.write(bytes);
    await client.closedWithin(patienceMs);
    expect(client.answered, bytes).toBe(await counted());
    client.destroy();
  }
});

test.each(['Connection: close', 'Expect: 100-continue'])(
  'a body that arrives after its head does not cost the answer: %s',
  async (header) => {
    const { connect, counted } = await start();
    for (let round = 1; round <= 10; round++) {
      const client = await connect();
      client.write(post([header, 'Content-Length: 5']));
      await setTimeout(2);
      client.write('hello');
      await waitUntil('it is answered', () => client.answered === 1 || client.closed);
      expect([client.answered, await counted()]).toEqual([1, round]);
      client.destroy();
    }
  },
);

test.each([
  ['counts alone', []],
  ['an archive', withBodies],
])('a request that is cut anywhere is answered and counted: %s', async (_, flags) => {
  const { connect, counted } = await start(flags);
  const requests = [
    get,
    post(['Content-Length: 0']),
    post(['Content-Length: 5'], 'hello'),
    chunked('5\r\nhello\r\n0\r\n\r\n'),
  ];
  let sent = 0;
  for (const request of requests) {
    const cuts = Array.from({ length: request.length - 1 }, (_, before) => before + 1);
    const clients = await Promise.all(
      cuts.map(async (at) => {
        const client = await connect();
        client.write(request.slice(0, at));
        await setTimeout(5);
        client.write(request.slice(at));
        return client;
      }),
    );
    const missing = (): number[] => cuts.filter((_, index) => clients[index]?.answered !== 1);
    await waitUntil(`all of ${request} are answered`, () => missing().length === 0);
    for (const client of clients) client.destroy();
    sent += cuts.length;
    expect(await counted()).toBe(sent);
  }
});

test('a half-closed client gets its answer', async () => {
  const { connect, counted } = await start();
  const client = await connect();
  client.write(get);
  client.halfClose();
  expect(await client.closedWithin(patienceMs)).toBeDefined();
  expect([client.answered, await counted()]).toEqual([1, 1]);
});

test('a client that leaves loses only its own answer', async () => {
  const { connect, counted } = await start();
  const [leaves, stays] = [await connect(), await connect()];
  leaves.write(get);
  leaves.reset();
  stays.write(get);
  await waitUntil('the other is answered', () => stays.answered === 1);
  // Whether its message was counted depends on which of its packets arrived first.
  expect([1, 2]).toContain(await counted());
  stays.write(get);
  await waitUntil('it is answered again', () => stays.answered === 2);
  stays.destroy();
});
