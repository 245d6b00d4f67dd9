/** Reports with a key: in every window, after kill -9 and by replay their rows add up to the counts. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askInfo, askStats } from '../support/api.ts';
import { archiveSettled } from '../support/archive.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { askReport, columnSum } from '../support/report.ts';
import { Server } from '../support/server.ts';
import { untilFlushed } from '../support/stats.ts';

/** Quantiles and users of each tenant: what docs/reports.md shows, with few keys. */
const tenants = `
  import { combine, defineReport, distinct, quantiles } from 'reto3/report';
  export default defineReport({
    name: 'tenants',
    summary: 'Body sizes and users of each tenant',
    needs: ['host', 'client', 'body'],
    key: ({ host }) => host,
    mostKeys: 3,
    ...combine({ size: quantiles((m) => m.bodyBytes), users: distinct((m) => m.client) }),
  });
`;

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

/** In every period, window by window. */
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

test('the rows of every window add up to its count, live, after kill -9 and by replay', async () => {
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
