/** While requests keep a worker busy, or wait for the disk, long answers yield the CPU. */
import { fillStore } from '@reto3/bench/src/day/store.ts';
import { expect, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { scrape } from '../support/metrics.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';

const hourMs = 3_600_000;

/** A server with three hours of counts. */
async function start(flags: readonly string[]) {
  const dataDir = await temporaryFolder();
  const to = Math.floor(Date.now() / 60_000) * 60_000 - hourMs;
  const from = to - 3 * hourMs;
  await fillStore(dataDir, { from, to }, () => 1);
  return { from, to, server: await Server.start({ dataDir, flags }) };
}

/** How long answers have waited since the start, s. */
async function waited({ adminUrl }: Server): Promise<number> {
  return (await scrape(adminUrl)).value('reto3_read_throttle_seconds_total');
}

/** Sends a query, discards the answer, and aborts once answers have waited for a while. */
async function askUntilThrottled(server: Server, path: string): Promise<void> {
  const before = await waited(server);
  const given = new AbortController();
  const answer = fetch(server.adminUrl + path, { signal: given.signal }).then(
    async ({ status, body }) => {
      expect([path, status]).toEqual([path, 200]);
      for await (const _ of body ?? []);
    },
  );
  const ended = answer.catch((error: unknown) => {
    if (!given.signal.aborted) throw error;
  });
  try {
    await waitUntil(
      `${path} has been throttled`,
      async () => (await waited(server)) > before + 0.05,
    );
  } finally {
    given.abort();
    await ended;
  }
}

test('every long answer is throttled while a worker is busy', async () => {
  const { from, to, server } = await start(['--report', 'sizes']);
  const range = `from=${from}&to=${to}`;
  const paths = [
    `/v1/stats/ms10?${range}`,
    `/v1/live?period=ms10&from=${from}`,
    `/v1/bursts?${range}`,
    `/v1/whatif?${range}&capacity=1000`,
    `/v1/audit?${range}`,
    '/v1/backup',
    '/v1/reports/sizes?period=ms10&from=12h',
  ];
  const load = Load.start({ port: server.port, connections: 8, depth: 16 });
  await waitUntil('there are messages', async () => {
    const { messagesSinceStart } = await askInfo(server.adminUrl);
    return messagesSinceStart > 10_000;
  });
  for (const path of paths) await askUntilThrottled(server, path);
  await load.stop();
  expect((await askInfo(server.adminUrl)).messagesSinceStart).toBe(load.answered);
});

test('a long answer is throttled while responses wait for the disk, although the worker is idle', async () => {
  const { from, to, server } = await start(['--ack', 'durable']);
  // One client at a time takes a hundredth of the worker's time.
  const load = Load.start({ port: server.port, connections: 1, depth: 1 });
  await askUntilThrottled(server, `/v1/stats/ms10?from=${from}&to=${to}`);
  await load.stop();
  expect((await askInfo(server.adminUrl)).messagesSinceStart).toBe(load.answered);
});
