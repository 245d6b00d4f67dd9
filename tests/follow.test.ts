/** `reto3 stats --follow`: goes on across restarts, and ends when it is told to. */
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { askStats } from './support/api.ts';
import { startCli } from './support/cli.ts';
import { temporaryFolder } from './support/folder.ts';
import { Load } from './support/load.ts';
import { Server } from './support/server.ts';
import { thisMinute } from './support/stats.ts';
import { waitUntil } from './support/wait.ts';
import { countsOf, linePattern, parseLines, sumOf } from './support/windows.ts';

const messages = 20_000;

test('--follow misses and doubles no window across two restarts', async () => {
  const from = thisMinute();
  const dataDir = await temporaryFolder();
  let server = await Server.start({ dataDir });
  const { port, adminPort, adminUrl } = server;
  const follower = startCli([
    ...['stats', 'ms10', '--follow', '--from', String(from), '--url', adminUrl],
  ]);
  await waitUntil('it follows', () => follower.stdout !== '');
  for (let restart = 0; restart < 2; restart++) {
    await loadWith(server);
    await server.stop();
    server = await Server.start({ dataDir, port, adminPort });
  }
  await loadWith(server);
  const until = Date.now();
  await waitUntil('everything is printed', () => {
    expect(follower.running).toBe(true);
    const lines = follower.stdout.slice(0, follower.stdout.lastIndexOf('\n') + 1);
    return Math.max(0, ...parseLines(lines).keys()) > until;
  });
  follower.signal('SIGINT');
  expect(await follower.exited).toEqual({ code: 130, signal: null });
  expect(follower.stderr).toBe('');

  const printed = parseLines(follower.stdout);
  const end = Math.max(...printed.keys()) + 10;
  const counted = countsOf(await askStats(adminUrl, 'ms10', `from=${from}&to=${end}`));
  expect([...printed]).toEqual([...counted]);
  expect(sumOf(printed)).toBe(3 * messages);
});

test('--follow --last begins with the newest windows, in each format', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  await setTimeout(200);
  const formats = [
    { flags: [], header: [], line: linePattern },
    {
      flags: ['--format', 'csv'],
      header: ['start,count'],
      line: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3},\d+$/,
    },
    { flags: ['--json'], header: [], line: /^\{"start":\d+,"count":\d+\}$/ },
  ];
  for (const { flags, header, line } of formats) {
    const args = ['stats', 'ms10', '-f', '--last', '5', '--url', server.adminUrl, ...flags];
    const follower = startCli(args);
    await waitUntil('it goes on', () => follower.stdout.split('\n').length > 30);
    follower.signal('SIGINT');
    expect(await follower.exited).toEqual({ code: 130, signal: null });
    const lines = follower.stdout.trimEnd().split('\n');
    expect(lines.slice(0, header.length)).toEqual(header);
    for (const text of lines.slice(header.length)) expect(text).toMatch(line);
    expect(new Set(lines).size).toBe(lines.length);
  }
});

async function loadWith(server: Server): Promise<void> {
  const load = Load.start({ port: server.port, connections: 2, depth: 4, requests: messages });
  await load.done;
  expect(load.answered).toBe(messages);
}
