/** `reto3 stats --follow`: goes on across restarts, and ends when it is told to. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
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

test('--follow --last waits on a server that has no final window yet, and misses none', async () => {
  const asked: string[] = [];
  const young = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(200, {
      'content-type': 'text/plain',
      'reto3-empty': 'true',
      'reto3-to': '1480384140000',
    });
    // Windows that become final are waited for on a connection that stays.
    if (request.url?.startsWith('/v1/live')) response.write(': open\n\n');
    // As the real one ends it: nothing is missing.
    else response.end('\x1e{"damaged":[],"damagedPlaces":0}\n');
  });
  young.listen(0, '127.0.0.1');
  onTestFinished(() => void young.close().closeAllConnections());
  await once(young, 'listening');
  const address = young.address();
  if (address === null || typeof address === 'string') throw new Error('got no port');
  const url = `http://127.0.0.1:${address.port}`;
  const follower = startCli(['stats', 'min', '-f', '-n', '5', '--url', url]);
  await waitUntil('it follows', () => {
    expect(follower.running).toBe(true);
    return asked.length === 2;
  });
  expect(asked[1]).toBe('/v1/live?period=min&from=1480384140000&scope=node');
  follower.signal('SIGINT');
  expect(await follower.exited).toEqual({ code: 130, signal: null });
  expect({ stdout: follower.stdout, stderr: follower.stderr }).toEqual({ stdout: '', stderr: '' });
});

test('--follow --last begins with the newest windows, in each format, and ends at any stop signal', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  await setTimeout(200);
  const formats = [
    { flags: [], header: [], line: linePattern, signal: 'SIGINT' },
    {
      flags: ['--format', 'csv'],
      header: ['start,count'],
      line: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3},\d+$/,
      signal: 'SIGTERM',
    },
    {
      flags: ['--json'],
      header: [],
      line: /^\{"start":\d+,"count":\d+\}$/,
      signal: 'SIGHUP',
    },
  ] as const;
  for (const { flags, header, line, signal } of formats) {
    const args = ['stats', 'ms10', '-f', '--last', '5', '--url', server.adminUrl, ...flags];
    const follower = startCli(args);
    await waitUntil('it goes on', () => follower.stdout.split('\n').length > 30);
    follower.signal(signal);
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
