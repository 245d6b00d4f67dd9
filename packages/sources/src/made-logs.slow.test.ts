/** A made log of each format: every message in its window, every line accounted for. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ms10, sec } from '@reto3/core';
import { afterAll, expect, test } from 'vitest';
import { formats } from './formats/formats.ts';
import { readLogs } from './read-log.ts';
import {
  countedWindows,
  differingWindows,
  madeLog,
  madeNames,
  madeRequests,
  windowsOfTimes,
} from './testing/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'reto3-made-logs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const requests = madeRequests(200_000, 20_160_528);

test('are of every format', () => {
  expect(madeNames).toEqual(expect.arrayContaining(formats.map(({ name }) => name)));
});

test.each(madeNames)('%s', async (name) => {
  const log = madeLog(name, requests);
  const file = join(folder, 'made.log');
  writeFileSync(file, log.text);
  const counts = await readLogs([file], log.options, Date.now(), () => undefined);
  const [summary] = counts.logs;
  expect(summary).toMatchObject({
    ...{ format: { name: log.format }, wrapper: log.wrapper },
    ...{ lines: log.lines, messages: requests.length, skipped: log.lines - requests.length },
  });
  const period = counts.resolutionMs <= ms10.windowMs ? ms10 : sec;
  const found = await countedWindows(counts.view(period), period);
  expect(differingWindows(found, windowsOfTimes(log.times, period))).toEqual([]);
});
