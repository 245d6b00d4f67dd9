/**
 * A killed server loses at most what arrived after its last flush; with --ack durable it loses no
 * answered message.
 */
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { askInfo, askStats } from '../support/api.ts';
import { figure } from '../support/figure.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { Server } from '../support/server.ts';
import { printPeriods, thisMinute, untilFlushed } from '../support/stats.ts';
import { waitUntil } from '../support/wait.ts';
import { countsOf, expectPeriodsAgree, sumOf } from '../support/windows.ts';

const rounds = 10;
const durableRounds = 5;
const flushMs = 100;
const messagesBeforeKill = 2_000;

test(`kill -9 loses no flushed window, ${rounds} times`, async () => {
  const from = thisMinute();
  const dataDir = await temporaryFolder();
  const losses: { messages: number; ms: number }[] = [];
  const rates: number[] = [];
  const flags = ['--workers', '2', '--flush-ms', String(flushMs)];
  let server = await Server.start({ dataDir, flags });
  for (let round = 0; round < rounds; round++) {
    const before = (await askInfo(server.adminUrl)).messagesInAll;
    const begun = performance.now();
    const load = Load.start({ port: server.port, connections: 8, depth: 8 });
    await waitUntil('the load runs', () => load.answered >= messagesBeforeKill);

    const final = countsOf(await askStats(server.adminUrl, 'ms10', `from=${from}`));
    const safe = load.answered;
    await untilFlushed(server);
    // Kill at different moments of the flush interval.
    await setTimeout((round * 37) % flushMs);
    const killedAt = Date.now();
    rates.push(load.answered / (performance.now() - begun));
    await server.kill();
    await load.done;

    server = await Server.start({ dataDir, flags });
    const stored = countsOf(
      await askStats(server.adminUrl, 'ms10', `from=${from}&to=${killedAt + 20}&open=true`),
    );
    for (const [start, count] of final) expect(stored.get(start)).toBe(count);
    const counted = (await askInfo(server.adminUrl)).messagesInAll - before;
    // Two flushes ended after these answers, so at least one of them began after the answers.
    expect(counted).toBeGreaterThanOrEqual(safe);
    losses.push({
      messages: Math.max(0, load.answered - counted),
      ms: killedAt - (Math.max(...stored.keys()) + 10),
    });
  }
  const { ms10, sec, min } = await printPeriods(server, from);
  expectPeriodsAgree(ms10, sec, min);
  expect(sumOf(ms10)).toBe((await askInfo(server.adminUrl)).messagesInAll);

  const rate = rates.reduce((sum, value) => sum + value, 0) / rounds;
  figure('kill -9: rounds', rounds);
  figure('kill -9: messages a second', Math.round(rate * 1_000));
  figure('kill -9: flush interval, ms', flushMs);
  figure('kill -9: largest loss, messages', Math.max(...losses.map(({ messages }) => messages)));
  figure(
    'kill -9: longest time from the end of the last stored window to the kill, ms',
    Math.max(...losses.map(({ ms }) => ms)),
  );
});

test('kill -9 with --ack durable loses no answered message', async () => {
  const from = thisMinute();
  const dataDir = await temporaryFolder();
  const flags = ['--ack', 'durable'];
  let server = await Server.start({ dataDir, flags });
  let answered = 0;
  for (let round = 0; round < durableRounds; round++) {
    const before = (await askInfo(server.adminUrl)).messagesInAll;
    // One request at a time: uWebSockets.js cannot delay answers to pipelined requests.
    const load = Load.start({ port: server.port, connections: 64, depth: 1 });
    await waitUntil('the load runs', () => load.answered >= messagesBeforeKill);
    await setTimeout((round * 7) % 20);
    await server.kill();
    await load.done;
    server = await Server.start({ dataDir, flags });
    const counted = (await askInfo(server.adminUrl)).messagesInAll - before;
    expect(counted).toBeGreaterThanOrEqual(load.answered);
    answered += load.answered;
  }
  const { ms10, sec, min } = await printPeriods(server, from);
  expectPeriodsAgree(ms10, sec, min);
  expect(sumOf(ms10)).toBeGreaterThanOrEqual(answered);
  figure('kill -9, durable: rounds', durableRounds);
  figure('kill -9, durable: messages answered, none of them lost', answered);
});
