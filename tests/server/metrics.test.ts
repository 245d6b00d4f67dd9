/** /metrics as Prometheus scrapes it. */
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { scrape } from '../support/metrics.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';

test('/metrics agrees with the counts, and two scrapers do not affect each other', async () => {
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--workers', '2'],
  });
  const load = Load.start({ port: server.port, connections: 4, depth: 8, requests: 20_000 });
  await load.done;
  await waitUntil('every window is final', async () => {
    const metrics = await scrape(server.adminUrl);
    const late = metrics.value('reto3_late_messages_total');
    return metrics.value('reto3_window_messages_sum') + late === 20_000;
  });
  const [first, second] = [await scrape(server.adminUrl), await scrape(server.adminUrl)];
  for (const metrics of [first, second]) {
    expect(metrics.sum('reto3_messages_total')).toBe(20_000);
    const late = metrics.value('reto3_late_messages_total');
    expect(metrics.value('reto3_window_messages_sum') + late).toBe(20_000);
    expect(metrics.value('reto3_freshness_seconds_count') + late).toBe(20_000);
    expect(metrics.value('reto3_ready')).toBe(1);
    expect(metrics.value('reto3_metric_sources_failing')).toBe(0);
    expect(metrics.value('reto3_flush_duration_seconds_count{fsync="no"}')).toBeGreaterThan(0);
    expect(metrics.value('reto3_store_bytes')).toBeGreaterThan(0);
  }
  const peak = (metrics: typeof first) => metrics.value('reto3_window_messages_max{over="30s"}');
  expect(peak(first)).toBeGreaterThan(0);
  expect(peak(second)).toBe(peak(first));

  const { freshnessMs } = await askInfo(server.adminUrl);
  const { p50, p99, max } = freshnessMs;
  expect(p50).toBeGreaterThanOrEqual(30);
  expect(p99).toBeGreaterThanOrEqual(p50);
  expect(max).toBeGreaterThanOrEqual(p99);
});

test('every thread reports its event loop delay, and still stops cleanly', async () => {
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--workers', '2'],
  });
  const ticks = 'reto3_event_loop_delay_seconds_count';
  await waitUntil('all threads measure', async () => {
    const metrics = await scrape(server.adminUrl);
    const threads = ['main', 'ingest-0', 'ingest-1'];
    return threads.every((thread) => (metrics.find(`${ticks}{thread="${thread}"}`) ?? 0) > 10);
  });
  expect(await server.stop()).toMatchObject({ code: 0 });
});

test('the time before a restart is a gap', async () => {
  const dataDir = await temporaryFolder();
  const before = await Server.start({ dataDir });
  expect((await scrape(before.adminUrl)).value('reto3_gaps_total')).toBe(0);
  // The server counts until some moment of its stop.
  const stoppedAfter = Date.now();
  await before.stop();
  await setTimeout(500);
  const after = await Server.start({ dataDir });
  const metrics = await scrape(after.adminUrl);
  expect(metrics.value('reto3_gaps_total')).toBe(1);
  const gapSeconds = metrics.value('reto3_gap_seconds_total') ?? 0;
  expect(gapSeconds).toBeGreaterThan(0.5);
  expect(gapSeconds).toBeLessThan((Date.now() - stoppedAfter) / 1_000);
});

requires('promtool')('promtool finds no mistake in the metrics', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const { text } = await scrape(server.adminUrl);
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('docs/metrics.md lists every metric with its type and labels', async () => {
  const alert = ['--alert', 'min > 1000000', '--alert-url', 'http://127.0.0.1:9'];
  const followed = ['--tail', join(await temporaryFolder(), 'access.log')];
  const flags = [...alert, ...followed, '--archive'];
  const server = await Server.start({ dataDir: await temporaryFolder(), flags });
  const { families } = await scrape(server.adminUrl);
  const text = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| (\w+) \| (counter|gauge|histogram) \| (.*?) ?\| /gm)];
  // The cluster's metrics have their own test.
  const single = rows.filter(([, name = '']) => !name.startsWith('reto3_cluster_'));
  const listed = new Map(single.map(([, name = '', type, labels]) => [name, `${type} ${labels}`]));
  expect(listed).toEqual(families);
});
