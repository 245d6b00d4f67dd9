/**
 * Keyed reports: in every window, after kill -9 and in a replay, their rows add up to the counts.
 */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askInfo, askStats } from '../support/api.ts';
import { archiveSettled } from '../support/archive.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { scrape } from '../support/metrics.ts';
import { askReport, columnSum } from '../support/report.ts';
import { Server } from '../support/server.ts';
import { untilFlushed } from '../support/stats.ts';
import { waitUntil } from '../support/wait.ts';

/** The example of docs/reports.md: body sizes and users of each tenant. */
const tenants = (() => {
  const path = new URL('../../docs/reports.md', import.meta.url);
  const blocks = [...readFileSync(path, 'utf8').matchAll(/```js\n(.*?)```/gs)];
  const code = blocks.map(([, block = '']) => block).find((block) => block.includes('quantiles'));
  if (code === undefined) throw new Error('docs/reports.md has no such example');
  return code;
})();

async function send(server: Server, messages: number): Promise<void> {
  const batch = 50;
  for (let sent = 0; sent < messages; sent += batch)
    await Promise.all(
      Array.from({ length: batch }, (_, index) => {
        const number = sent + index;
        const path = number % 3 === 0 ? '/busy' : `/rare/${number}`;
        return fetch(`http://127.0.0.1:${server.port}${path}`, {
          method: 'POST',
          body: 'x'.repeat(number % 100),
        });
      }),
    );
}

/** Asserts that the rows of each window add up to its count, in all periods. */
async function expectSums(server: Server, report: string, periods: readonly string[]) {
  for (const period of periods) {
    const { rows } = await askReport(server, report, period);
    const sums = new Map<number, number>();
    for (const [start, , count] of rows)
      sums.set(Number(start), (sums.get(Number(start)) ?? 0) + Number(count));
    const { starts, counts } = await askStats(server.adminUrl, period, 'from=0&open=true');
    const counted = starts.map((start, index) => [start, counts[index] ?? 0] as const);
    expect(sums, `${report} ${period}`).toEqual(new Map(counted.filter(([, count]) => count > 0)));
  }
}

test('the rows of every window add up to its count: live, after kill -9 and in a replay', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'tenants.mjs');
  await writeFile(path, tenants);
  const dataDir = join(folder, 'data');
  const flags = ['--report', `by:path,by:client,${path}`, '--archive', '--workers', '2'];
  const all = ['ms10', 'sec', 'min'];
  const server = await Server.start({ dataDir, flags });
  await send(server, 1_000);
  await expectSums(server, 'by:path', all);
  await expectSums(server, 'by:client', all);
  await expectSums(server, 'tenants', ['sec', 'min']);
  await untilFlushed(server, 3);
  await server.kill();

  const next = await Server.start({ dataDir, flags });
  const before = (await askInfo(next.adminUrl)).messagesInAll;
  expect(before).toBe(1_000);
  await send(next, 500);
  await expectSums(next, 'by:path', all);
  await expectSums(next, 'tenants', ['sec', 'min']);
  const busiest = await askReport(next, 'by:path', 'min');
  expect(busiest.columns).toEqual(['start', 'key', 'count', 'most']);
  expect(columnSum(busiest, 'count')).toBe(1_500);
  const busy = busiest.rows.filter(([, key]) => key === '/busy');
  expect(busy.reduce((sum, [, , count]) => sum + Number(count), 0)).toBe(334 + 167);
  await archiveSettled(next);
  await next.stop();
  for (const report of ['by:client', path]) {
    const { code, stderr } = await runCli([
      'replay',
      report,
      'min',
      '--diff',
      '--data-dir',
      dataDir,
    ]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
  }
});

test('the short report in docs/reports.md works live, in any window, and in a replay', async () => {
  expect(tenants.trim().split('\n').length).toBeLessThanOrEqual(8);
  const folder = await temporaryFolder();
  const path = join(folder, 'tenants.mjs');
  await writeFile(path, tenants);
  const dataDir = join(folder, 'data');
  const server = await Server.start({ dataDir, flags: ['--report', path, '--archive'] });
  for (const size of [10, 20, 1_000])
    await fetch(`http://127.0.0.1:${server.port}/`, { method: 'POST', body: 'x'.repeat(size) });
  const at = ['--url', server.adminUrl];
  const row =
    /^start,key,count,most,size_p50,size_p90,size_p99,users\n[^,]+,127\.0\.0\.1:\d+,3,3,20,(\d+),\1,1\n$/;
  const csv = ['--format', 'csv', '--open'];
  const everyDay = await runCli(['report', 'tenants', '--every', '1d', ...csv, ...at]);
  expect(everyDay.stdout).toMatch(row);
  const total = await runCli([
    'report',
    'tenants',
    'sec',
    '--total',
    '--from',
    '1h',
    ...csv,
    ...at,
  ]);
  expect(total.stdout).toMatch(row);
  await archiveSettled(server);
  await server.stop();
  const replayed = await runCli([
    ...['replay', path, '--every', '1d', '--format', 'csv', '--data-dir', dataDir],
  ]);
  expect(replayed.stdout).toMatch(row);
  const stored = ['report', 'tenants', '--total', '--from', '0', '--report', path];
  const offline = await runCli([...stored, '--format', 'csv', '--data-dir', dataDir]);
  expect(offline.stdout).toMatch(row);
});

test('--report-metrics shows the newest window of a report', async () => {
  const flags = ['--report', 'by:path', '--report-metrics', 'by:path'];
  const server = await Server.start({ dataDir: await temporaryFolder(), flags });
  await waitUntil('a final second has messages', async () => {
    await fetch(`http://127.0.0.1:${server.port}/a`);
    const metrics = await scrape(server.adminUrl);
    return (metrics.find('reto3_report_by_path_count{key="/a"}') ?? 0) > 0;
  });
});
