/** A clean stop loses no answered message. */
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { askInfo, askStats } from '../support/api.ts';
import { figure } from '../support/figure.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { Server } from '../support/server.ts';
import { printPeriods, printStats, thisMinute, untilFinal } from '../support/stats.ts';
import { waitUntil } from '../support/wait.ts';
import { countsOf, expectNoGap, expectPeriodsAgree, sumOf } from '../support/windows.ts';

const rounds = 10;
const messagesBeforeStop = 2_000;
/** The warning at each start with the older uWebSockets.js build. */
const olderBuild = /^\{"level":40,[^\n]*"msg":"uWebSockets\.js \S+ \(older build\)[^\n]*\}\n/m;

test(`a stop under load loses no answered message, ${rounds} times`, async () => {
  const from = thisMinute();
  const dataDir = await temporaryFolder();
  let counted = 0;
  let answered = 0;
  for (let round = 0; round < rounds; round++) {
    const server = await Server.start({ dataDir, flags: ['--workers', '2'] });
    expect((await askInfo(server.adminUrl)).messagesInAll).toBe(counted);
    const load = Load.start({ port: server.port, connections: 8, depth: 8 });
    await waitUntil('the load runs', () => load.answered >= messagesBeforeStop);
    // Stop at different moments of the flush interval, with both signals.
    await setTimeout((round * 37) % 100);
    expect(await server.stop(round % 2 === 0 ? 'SIGTERM' : 'SIGINT')).toEqual({
      code: 0,
      signal: null,
    });
    await load.done;
    expect(server.stdout).toBe('');
    // Only log lines: no abort, no library's assertion, no stack trace.
    expect(server.stderr.replace(olderBuild, '')).toMatch(/^(?:\{"level":30,.*\}\n)+$/);
    expect(server.loggedMessages).toBeGreaterThanOrEqual(load.answered);
    answered += load.answered;
    counted += server.loggedMessages;
  }

  const server = await Server.start({ dataDir });
  const { ms10, sec, min } = await printPeriods(server, from);
  expect([ms10, sec, min].map(sumOf)).toEqual([counted, counted, counted]);
  expectPeriodsAgree(ms10, sec, min);
  figure('stop under load: rounds', rounds);
  figure('stop under load: messages answered', answered);
  figure(
    'stop under load: messages counted beyond what the client saw answered',
    counted - answered,
  );
});

test('windows without messages are printed as 0, and time without a server has no rows', async () => {
  const from = thisMinute();
  const dataDir = await temporaryFolder();
  const first = await Server.start({ dataDir });
  await untilFinal(first, Date.now() + 300);
  await first.stop();
  const stoppedAt = Date.now();
  await setTimeout(2_000);
  const startingAt = Date.now();
  const second = await Server.start({ dataDir });
  await untilFinal(second, Date.now() + 300);

  const ms10 = await printStats(second, 'ms10', '--from', String(from));
  expect(sumOf(ms10)).toBe(0);
  const before = new Map([...ms10].filter(([start]) => start < stoppedAt));
  const after = new Map([...ms10].filter(([start]) => start >= stoppedAt));
  expect(before.size).toBeGreaterThanOrEqual(30);
  expect(after.size).toBeGreaterThanOrEqual(25);
  expectNoGap(before, 10);
  expectNoGap(after, 10);
  expect(Math.min(...after.keys())).toBeGreaterThan(startingAt - 10);

  const sec = countsOf(await askStats(second.adminUrl, 'sec', `from=${from}&open=true`));
  const secondOf = (time: number): number => Math.floor(time / 1_000) * 1_000;
  const seconds = new Set([...ms10.keys()].map(secondOf));
  expect([...sec.keys()].filter((start) => start <= secondOf(Math.max(...ms10.keys())))).toEqual([
    ...seconds,
  ]);
});
