/**
 * Clients of `--ack durable` that do not wait for their answers: they pipeline, half-close or leave.
 * What is counted is what is answered.
 */
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { chunked, get, post } from './hostile/corpus/case.ts';
import { Client } from './hostile/support/exchange.ts';
import { askInfo } from './support/api.ts';
import { temporaryFolder } from './support/folder.ts';
import { Server } from './support/server.ts';
import { waitUntil } from './support/wait.ts';

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
  // Each in a packet of its own: the second while the answer to the first is pending.
  for (const gapMs of [1, 6]) {
    const before = await counted();
    const client = await connect();
    client.write(get);
    await setTimeout(gapMs);
    client.write(body);
    await waitUntil('both are answered', () => client.answered === 2 || client.closed);
    expect(client.seen).toEqual({ answered: 2, refusals: 0, closed: false });
    expect((await counted()) - before).toBe(2);
    client.destroy();
  }
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

test('a half-closed client gets its answer', async () => {
  const { connect, counted } = await start();
  const client = await connect();
  client.write(get);
  client.halfClose();
  expect(await client.closedWithin(patienceMs)).toBeDefined();
  expect([client.answered, await counted()]).toEqual([1, 1]);
});

test('a client that leaves costs its own answer only', async () => {
  const { connect, counted } = await start();
  const [leaves, stays] = [await connect(), await connect()];
  leaves.write(get);
  leaves.reset();
  stays.write(get);
  await waitUntil('the other is answered', () => stays.answered === 1);
  // The one that left was counted or not, by which of its packets came first.
  expect([1, 2]).toContain(await counted());
  stays.write(get);
  await waitUntil('it is answered again', () => stays.answered === 2);
  stays.destroy();
});
