/** Answers report damage even through a proxy that drops trailers, and following continues. */
import { once } from 'node:events';
import { createServer, get, request } from 'node:http';
import { json } from 'node:stream/consumers';
import { alignDown, timeText } from '@reto3/core';
import { expect, test } from 'vitest';
import { runCli, startCli } from '../support/cli.ts';
import { flipRow, folderWithBlocks, folderWithDamage } from '../support/data-folder.ts';
import { listen } from '../support/listen.ts';
import { readLive } from '../support/live.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';
import { parseLines } from '../support/windows.ts';

const damageText = /cannot read ms10 from .*: its checksum does not match/;

/** A proxy that drops trailers, as HTTP/1.0 and many proxies do. */
async function withoutTrailers(url: string): Promise<string> {
  const proxy = createServer((asked, response) => {
    const { trailer, te, ...headers } = asked.headers;
    const passed = request(new URL(asked.url ?? '/', url), { headers }, (answer) => {
      const { trailer: _, 'transfer-encoding': __, ...rest } = answer.headers;
      response.writeHead(answer.statusCode ?? 500, rest);
      answer.pipe(response);
    });
    passed.once('error', () => response.destroy());
    asked.pipe(passed);
  });
  return `http://127.0.0.1:${await listen(proxy)}`;
}

test('every route reports damage in the past', async () => {
  const startMs = alignDown(Date.now() - 7_200_000, 60_000);
  const dataDir = await folderWithBlocks(startMs);
  const from = await flipRow(dataDir, 'ms10', 1);
  const server = await Server.start({ dataDir });
  const listeningMs = Date.now();
  const url = await withoutTrailers(server.adminUrl);
  const past = ['--from', String(startMs), '--url', url];

  for (const format of ['text', 'csv', 'ndjson', 'json']) {
    const args = ['stats', 'ms10', '--to', String(startMs + 240_000), '--format', format, ...past];
    const { code, stdout, stderr } = await runCli(args);
    expect({ format, code }).toEqual({ format, code: 1 });
    expect(stderr).toMatch(damageText);
    expect(stdout).not.toContain('\x1e');
    if (format === 'json') expect(JSON.parse(stdout).damagedPlaces).toBe(1);
  }

  const chosen = [past, ['--last', '20000', '--url', url]];
  for (const flags of chosen) {
    const following = startCli(['stats', 'ms10', '--follow', ...flags]);
    try {
      // New counts arrive after the damage.
      await waitUntil('windows of now', () => {
        const whole = following.stdout.slice(0, following.stdout.lastIndexOf('\n') + 1);
        const newest = Math.max(0, ...parseLines(whole).keys());
        return following.stderr !== '' && newest > listeningMs;
      });
      expect(following.stderr.match(new RegExp(damageText, 'g'))).toHaveLength(1);
      expect(following.stderr).toContain(timeText(from));
    } finally {
      following.signal('SIGINT');
    }
    expect((await following.exited).code).toBe(130);
  }
});

test('of 210 damaged places, an answer names 100, its trailer 10, and both give the total', async () => {
  const minutes = 210;
  const startMs = alignDown(Date.now() - 5 * 3_600_000, 60_000);
  const server = await Server.start({ dataDir: await folderWithDamage(startMs, minutes) });
  const places = Array.from({ length: minutes }, (_, minute) => ({
    from: startMs + (minute + 1) * 60_000,
    to: startMs + (minute + 2) * 60_000,
    reason: 'its checksum does not match',
  }));
  const said = { damaged: places.slice(0, 100), damagedPlaces: minutes };

  const range = `from=${startMs}&to=${startMs + (minutes + 2) * 60_000}`;
  const [answer] = await once(get(`${server.adminUrl}/v1/stats/ms10?${range}`), 'response');
  expect(await json(answer)).toMatchObject(said);
  expect(JSON.parse(answer.trailers['reto3-damaged'])).toEqual(places.slice(0, 10));
  expect(answer.trailers['reto3-damaged-places']).toBe(String(minutes));

  const query = `period=ms10&from=${startMs}`;
  const { signal } = new AbortController();
  let told: unknown;
  for await (const event of readLive(server.adminUrl, query, signal)) {
    told = event;
    if (event.from !== startMs) break;
  }
  // The first event after the damage reports it.
  expect(told).toMatchObject({ from: places.at(-1)?.to, ...said });
});
