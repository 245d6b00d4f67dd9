/** Windows become visible once they are final: in order, none missing, none twice. */
import { setTimeout } from 'node:timers/promises';
import { quantile } from '@reto3/bench/src/statistics.ts';
import { expect, test } from 'vitest';
import { askStats } from '../support/api.ts';
import { figure } from '../support/figure.ts';
import { temporaryFolder } from '../support/folder.ts';
import { type Arrival, readLive } from '../support/live.ts';
import { Load } from '../support/load.ts';
import { Server } from '../support/server.ts';
import { countsOf, expectNoGap, sumOf } from '../support/windows.ts';

const finalAfterMs = 20;
/** Three seconds of windows. */
const wantedWindows = 300;

test('/v1/live sends every ms10 window once, in order, when it is final', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const load = Load.start({ port: server.port, connections: 4, depth: 1 });
  const arrivals = await watch(server, 'period=ms10', wantedWindows);
  await load.stop();

  const seen = new Map<number, number>();
  let end = arrivals[0]?.from ?? 0;
  for (const { at, id, from, to, finalThrough, starts, counts } of arrivals) {
    expect(from).toBe(end);
    expect(id).toBe(to);
    expect(to).toBeLessThanOrEqual(finalThrough);
    expect(finalThrough).toBeLessThanOrEqual(at - finalAfterMs);
    for (const [index, start] of starts.entries()) {
      expect(start).toBe(from + index * 10);
      seen.set(start, counts[index] ?? Number.NaN);
    }
    expect(from + starts.length * 10).toBe(to);
    end = to;
  }
  expectNoGap(seen, 10);
  expect(sumOf(seen)).toBeGreaterThan(0);

  // Final windows have not changed since.
  const first = arrivals[0]?.from;
  const now = countsOf(await askStats(server.adminUrl, 'ms10', `from=${first}&to=${end}`));
  expect([...seen]).toEqual([...now]);

  const delays = arrivals.flatMap(({ at, starts }) => starts.map((start) => at - (start + 10)));
  printDelays('/v1/live', delays);
});

test('/v1/stats never shows a window before it is final', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const load = Load.start({ port: server.port, connections: 4, depth: 1 });
  const seenAt = new Map<number, number>();
  while (seenAt.size < wantedWindows) {
    const columns = await askStats(server.adminUrl, 'ms10', 'last=100');
    const at = Date.now();
    expect(columns.finalThrough).toBeLessThanOrEqual(at - finalAfterMs);
    for (const start of columns.starts) {
      expect(start + 10).toBeLessThanOrEqual(columns.finalThrough);
      if (!seenAt.has(start)) seenAt.set(start, at);
    }
    await setTimeout(5);
  }
  await load.stop();
  // Skip the first answer's windows, which had been final long before.
  const delays = [...seenAt].slice(200).map(([start, at]) => at - (start + 10));
  printDelays('/v1/stats, asked every 5 ms', delays);
});

test('/v1/live sends past seconds from a given time on', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const arrivals = await watch(server, `period=sec&from=${Date.now() - 3_600_000}`, 2);
  const seen = new Map<number, number>();
  for (const { at, to, starts } of arrivals) {
    expect(to).toBeLessThanOrEqual(at - finalAfterMs);
    for (const start of starts) seen.set(start, (seen.get(start) ?? 0) + 1);
  }
  expectNoGap(seen, 1_000);
  for (const times of seen.values()) expect(times).toBe(1);
});

/** The events up to a number of windows. */
async function watch(server: Server, query: string, windows: number): Promise<Arrival[]> {
  const arrivals: Arrival[] = [];
  const enough = new AbortController();
  let seen = 0;
  for await (const arrival of readLive(server.adminUrl, query, enough.signal)) {
    arrivals.push(arrival);
    seen += arrival.starts.length;
    if (seen >= windows) enough.abort();
  }
  return arrivals;
}

/**
 * Prints how long after its end each window was seen. It measures the machine, so no test depends
 * on it.
 */
function printDelays(where: string, delays: readonly number[]): void {
  for (const [name, share] of Object.entries({ median: 0.5, p99: 0.99, longest: 1 }))
    figure(`end of a window to seen in ${where}, ${name}, ms`, quantile(delays, share));
}
