/** A made log of each format: every message in its window, every line accounted for. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { alignDown, ms10, sec } from '@reto3/core';
import { readChunks } from '@reto3/engine';
import { afterAll, expect, test } from 'vitest';
import { formats } from './formats/formats.ts';
import { readLogs } from './read-log.ts';
import { madeLog, madeRequests } from './testing/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'reto3-made-logs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const requests = madeRequests(200_000, 20_160_528);

test.each(formats)('$name', async ({ name }) => {
  const log = madeLog(name, requests);
  const file = join(folder, 'made.log');
  writeFileSync(file, log.text);
  const counts = await readLogs([file], { startMs: log.startMs }, Date.now(), () => undefined);
  const [summary] = counts.logs;
  expect(summary?.format.name).toBe(name);
  expect(summary).toMatchObject({ lines: log.lines, messages: requests.length });

  const period = counts.resolutionMs <= ms10.windowMs ? ms10 : sec;
  const wanted = new Map<number, number>();
  for (const time of log.times) {
    const start = alignDown(time, period.windowMs);
    wanted.set(start, (wanted.get(start) ?? 0) + 1);
  }
  const found = new Map<number, number>();
  const all = { from: 0, to: Number.MAX_SAFE_INTEGER };
  for await (const { start, windows } of readChunks(counts.view(period), period, all))
    for (const [index, count] of windows.counts.entries())
      if (count > 0) found.set(start + index * period.windowMs, count);
  expect([...found].length).toBe(wanted.size);
  for (const [start, count] of wanted) if (found.get(start) !== count) expect.fail(`${start}`);
});
