/** The output of `reto3 stats`: the challenge's format, ranges, other formats. */

import type { Stats } from '@reto3/client/answers';
import { expect, test } from 'vitest';
import { askStats } from '../support/api.ts';
import { type Outcome, runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { Server } from '../support/server.ts';
import { partialNote, printStats, thisMinute, untilFinal } from '../support/stats.ts';
import { expectNoGap, parseLines, sumOf } from '../support/windows.ts';

const messages = 1_000;
const windowMs = { ms10: 10, sec: 1_000, min: 60_000 };

interface Counted {
  readonly server: Server;
  /** Before the first message, at the start of a window of every period. */
  readonly from: number;
}

async function countedServer(): Promise<Counted> {
  const from = thisMinute();
  const server = await Server.start({ dataDir: await temporaryFolder() });
  await Load.start({ port: server.port, connections: 2, depth: 1, requests: messages }).done;
  return { server, from };
}

test.each(['ms10', 'sec', 'min'] as const)(
  'reto3 stats %s prints lines of the format, oldest first, and every format agrees',
  async (period) => {
    const { server, from } = await countedServer();
    // The end is exclusive, and a message may have arrived in this very millisecond.
    const range = ['--open', '--from', String(from), '--to', String(Date.now() + 1)];
    const print = async (...flags: string[]): Promise<string> => {
      const env = { RETO3_URL: server.adminUrl };
      const outcome = await runCli(['stats', period, ...range, ...flags], { env });
      expect(outcome).toMatchObject({ code: 0, stderr: expect.stringMatching(partialNote) });
      return outcome.stdout;
    };
    const text = await print();
    const counts = parseLines(text);
    expect(sumOf(counts)).toBe(messages);
    expectNoGap(counts, windowMs[period]);
    for (const start of counts.keys()) expect(start % windowMs[period]).toBe(0);

    const rows = [...counts];
    expect(await print('--format', 'csv')).toBe(`start,count\n${text.replaceAll(', ', ',')}`);
    // A partial second or minute is marked.
    const unmarked = (await print('--format', 'ndjson')).replaceAll(',"partial":true', '');
    expect(unmarked).toBe(
      rows.map(([start, count]) => `{"start":${start},"count":${count}}\n`).join(''),
    );
    const columns: Stats = JSON.parse(await print('--format', 'json'));
    expect(columns).toMatchObject({ period, windowMs: windowMs[period], scope: 'node' });
    expect(columns.starts.map((start, index) => [start, columns.counts[index]])).toEqual(rows);
    const viaSwitch: Stats = JSON.parse(await print('--json'));
    expect(viaSwitch.counts).toEqual(columns.counts);
  },
);

test('flags mean the same before and after the period', async () => {
  const { server, from } = await countedServer();
  const to = Date.now();
  await untilFinal(server, to);
  const range = ['--from', String(from), '--to', String(to)];
  const questions = [range, ['--last', '0'], ['--from', '2m', '--to', '1h'], ['--format', 'xml']];
  for (const question of questions) {
    const flags = [...question, '--url', server.adminUrl];
    expect(await runCli(['stats', ...flags, 'ms10'])).toEqual(
      await runCli(['stats', 'ms10', ...flags]),
    );
  }
});

test('prints the newest 100 final windows without a range', async () => {
  const { server } = await countedServer();
  await untilFinal(server, Date.now() + 1_000);
  const counts = await printStats(server, 'ms10');
  const { finalThrough } = await askStats(server.adminUrl, 'ms10', 'last=1');
  expect(counts.size).toBe(100);
  expectNoGap(counts, 10);
  expect(Math.max(...counts.keys()) + 10).toBeLessThanOrEqual(finalThrough);
});

test('--last N prints the newest N final windows, with --to the newest before it', async () => {
  const { server } = await countedServer();
  const to = Math.floor(Date.now() / 10) * 10 + 100;
  await untilFinal(server, to);
  expect((await printStats(server, 'ms10', '--last', '7')).size).toBe(7);
  const before = await printStats(server, 'ms10', '--last', '3', '--to', String(to));
  expect([...before.keys()]).toEqual([to - 30, to - 20, to - 10]);
});

test('--open adds the windows that are not final yet', async () => {
  const { server, from } = await countedServer();
  const open = await printStats(server, 'min', '--open', '--from', String(from));
  expect(sumOf(open)).toBe(messages);
  // The current minute is not final, and "no data" has its own exit code. Repeat if the minute ends
  // meanwhile.
  let minute: number;
  let final: Outcome;
  do {
    minute = thisMinute();
    final = await runCli(['stats', 'min', '--from', String(minute), '--url', server.adminUrl]);
  } while (thisMinute() !== minute);
  expect(final).toMatchObject({ code: 4, stdout: '' });
  const same = await printStats(server, 'min', '--open', '--from', String(minute));
  expect([...same.keys()]).toContain(minute);
});

test('ISO 8601, epoch milliseconds and ages name the same range', async () => {
  const { server } = await countedServer();
  const from = Math.floor(Date.now() / 10) * 10;
  const to = from + 200;
  await untilFinal(server, to + 100);
  const iso = (time: number): string => new Date(time).toISOString();
  const byEpoch = await printStats(server, 'ms10', '--from', String(from), '--to', String(to));
  const byIso = await printStats(server, 'ms10', '--from', iso(from), '--to', iso(to));
  expect([...byIso]).toEqual([...byEpoch]);
  expect([...byEpoch.keys()].at(-1)).toBe(to - 10);
  expect((await printStats(server, 'ms10', '--from', '1m')).size).toBeGreaterThan(byEpoch.size);
});
