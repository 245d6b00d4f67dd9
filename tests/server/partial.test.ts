/** Seconds and minutes that were counted only in part are marked for every reader. */
import { setTimeout } from 'node:timers/promises';
import type { Stats } from '@reto3/client/answers';
import { timeText } from '@reto3/core';
import { expect, test } from 'vitest';
import { ask, askStats } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { Server } from '../support/server.ts';
import { untilFinal } from '../support/stats.ts';
import { waitUntil } from '../support/wait.ts';

/** Starts of windows of that length in which some, but not all, ms10 windows were counted. */
function partsOf(ms10: Stats, windowMs: number): number[] {
  const counted = new Map<number, number>();
  for (const start of ms10.starts) {
    const window = start - (start % windowMs);
    counted.set(window, (counted.get(window) ?? 0) + 1);
  }
  return [...counted].filter(([, windows]) => windows < windowMs / 10).map(([start]) => start);
}

test('the windows around a start or stop are partial, and no others', async () => {
  const from = Date.now();
  const dataDir = await temporaryFolder();
  for (const end of ['stop', 'kill'] as const) {
    const server = await Server.start({ dataDir, flags: ['--report', 'sizes'] });
    await Load.start({ port: server.port, connections: 1, depth: 1, requests: 10 }).done;
    const counted = async () => (await askStats(server.adminUrl, 'sec', 'from=1h')).starts.length;
    const before = await counted();
    await waitUntil('two seconds more are final', async () => (await counted()) >= before + 2);
    // Stop between two ends of seconds.
    await setTimeout(1_300 - (Date.now() % 1_000));
    await server[end]();
  }
  const server = await Server.start({ dataDir, flags: ['--report', 'sizes'] });
  const now = Date.now();
  const range = `from=${from - 60_000}&to=${now - (now % 1_000)}`;
  await untilFinal(server, now);
  const ms10 = await askStats(server.adminUrl, 'ms10', range);
  const sec = await askStats(server.adminUrl, 'sec', range);
  expect(ms10.partial).toEqual([]);
  expect(sec.partial).toEqual(partsOf(ms10, 1_000));
  expect(sec.partial.length).toBeGreaterThanOrEqual(2);
  // A chart marks them below their columns.
  const asked = ['--from', String(from - 60_000), '--url', server.adminUrl];
  const chart = await runCli(['stats', 'sec', '--chart', ...asked]);
  expect(chart.stdout).toMatch(/^messages in 1 s, .* UTC; ╌ counted in part\n/);
  expect(chart.stdout).toMatch(/└.*╌/);
  // Text and CSV have no room for marks.
  const first = timeText(sec.partial[0] ?? 0);
  for (const format of ['text', 'csv']) {
    const { stdout, stderr } = await runCli(['stats', 'sec', '--format', format, ...asked]);
    expect(stdout.replaceAll(/^\d{4}-\d\d-\d\d [\d:.]+, ?\d+\n/gm, '')).toBe(
      format === 'csv' ? 'start,count\n' : '',
    );
    expect(stderr).toContain(`reto3: counted in part, as at a start or stop: sec ${first}`);
  }
  const rows = await ask(server.adminUrl, '/v1/reports/sizes', `period=sec&${range}`);
  const withRows = new Set(rows.rows.map(([start]) => start));
  expect(rows.partial).toEqual(sec.partial.filter((start) => withRows.has(start)));
  const total = ['report', 'sizes', '--total', ...asked];
  expect((await runCli(total)).stderr).toContain('counted in part, as at a start or stop: report');
  expect((await runCli([...total, '--json'])).stderr).toBe('');
  await server.stop();
  const ofFolder = ['report', 'sizes', 'min', '--from', String(from - 120_000)];
  const stored = await runCli([...ofFolder, '--format', 'ndjson', '--data-dir', dataDir]);
  const lines = stored.stdout.trim().split('\n');
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ partial: true });
  const text = await runCli([...ofFolder, '--data-dir', dataDir]);
  expect(text.stderr).toContain('counted in part, as at a start or stop: report sizes ');

  const folder = await runCli([
    ...['stats', 'min', '--from', String(from - 120_000), '--format', 'json'],
    ...['--data-dir', dataDir],
  ]);
  const min: Stats = JSON.parse(folder.stdout);
  expect(min.partial).toEqual(min.starts);
});
