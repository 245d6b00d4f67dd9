/** /v1/stats/auto, and the Grafana recipe in docs/metrics.md that uses it. */
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { askText } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';

const withJq = requires('jq');
const secondMs = 1_000;

async function periodOf(server: Server, query: string): Promise<unknown> {
  return JSON.parse(await askText(server.adminUrl, `/v1/stats/auto?${query}`)).period;
}

test('chooses the shortest period that needs no more windows than requested', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const to = Date.now();
  const ago = (seconds: number, more = ''): string =>
    `from=${to - seconds * secondMs}&to=${to}${more}`;
  expect(await periodOf(server, ago(20))).toBe('ms10');
  expect(await periodOf(server, ago(21))).toBe('sec');
  expect(await periodOf(server, ago(1_990))).toBe('sec');
  expect(await periodOf(server, ago(2_100))).toBe('min');
  expect(await periodOf(server, ago(86_400 * 300))).toBe('min');
  expect(await periodOf(server, ago(20, '&points=100'))).toBe('sec');
  expect(await periodOf(server, ago(86_400, '&points=100000'))).toBe('sec');
  await expect(periodOf(server, ago(20, '&points=0'))).rejects.toThrow('want a number from 1');
});

withJq('the Grafana recipe gives a row for each window', async () => {
  const page = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const url = /`http:\/\/reto3:8081(\/v1\/stats\/auto\S+)`/.exec(page)?.[1] ?? '';
  const expression = /\| Rows\/Root \| `(.*)` \|/.exec(page)?.[1]?.replaceAll('\\|', '|') ?? '';
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const from = Date.now() - 2 * secondMs;
  await Load.start({ port: server.port, connections: 2, depth: 4, requests: 1_000 }).done;
  const to = Date.now() + 2 * secondMs;
  // Replace the variables as Grafana does.
  const path = url.replaceAll(/\$\{__(from|to)\}/g, (_, end) => String(end === 'from' ? from : to));
  const answer = await askText(server.adminUrl, path);
  const { stdout } = spawnSync('jq', [expression], { input: answer, encoding: 'utf8' });
  const rows: { start: number; count: number }[] = JSON.parse(stdout);
  const { starts, counts } = JSON.parse(answer);
  expect(rows).toEqual(
    starts.map((start: number, index: number) => ({ start, count: counts[index] })),
  );
  expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(1_000);
});
