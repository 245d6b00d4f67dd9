/** While a worker is busy, every route that reads much of the store yields the CPU. */

import { fillStore } from '@reto3/bench/src/day/store.ts';
import { expect, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { scrape } from '../support/metrics.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';

const hourMs = 3_600_000;

test('every long answer is throttled while a worker is busy', async () => {
  const dataDir = await temporaryFolder();
  const to = Math.floor(Date.now() / 60_000) * 60_000 - hourMs;
  const from = to - 3 * hourMs;
  await fillStore(dataDir, { from, to }, () => 1);
  const server = await Server.start({ dataDir, flags: ['--report', 'sizes'] });
  const waited = async (): Promise<number> =>
    (await scrape(server.adminUrl)).value('reto3_read_throttle_seconds_total');
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
  /** Sends a query, discards the answer, and aborts once `enough` is true. */
  const askUntil = async (path: string, enough: () => Promise<boolean>): Promise<void> => {
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
      await waitUntil(`${path} has been throttled`, enough);
    } finally {
      given.abort();
      await ended;
    }
  };

  const load = Load.start({ port: server.port, connections: 8, depth: 16 });
  await waitUntil('there are messages', async () => {
    const { messagesSinceStart } = await askInfo(server.adminUrl);
    return messagesSinceStart > 10_000;
  });
  for (const path of paths) {
    const before = await waited();
    await askUntil(path, async () => (await waited()) > before + 0.05);
  }
  await load.stop();
  expect((await askInfo(server.adminUrl)).messagesSinceStart).toBe(load.answered);
});
