/** `reto3 stats --follow` survives restarts of the server, and ends on a signal. */
import { createServer } from 'node:http';
import { freePort } from '@reto3/bench/src/free-port.ts';
import { expect, test } from 'vitest';
import { askStats } from '../support/api.ts';
import { runCli, startCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { listen } from '../support/listen.ts';
import { Load } from '../support/load.ts';
import { Server } from '../support/server.ts';
import { thisMinute, untilFinal } from '../support/stats.ts';
import { waitUntil } from '../support/wait.ts';
import { countsOf, linePattern, parseLines, sumOf } from '../support/windows.ts';

const messages = 20_000;

test('--follow neither misses nor repeats a window across two restarts', async () => {
  const from = thisMinute();
  const dataDir = await temporaryFolder();
  const [port, adminPort] = [await freePort(), await freePort()];
  let server = await Server.start({ dataDir, port, adminPort });
  const { adminUrl } = server;
  const follower = startCli([
    ...['stats', 'ms10', '--follow', '--from', String(from), '--url', adminUrl],
  ]);
  await waitUntil('it follows', () => follower.stdout !== '');
  const lost = `reto3: lost the server at ${adminUrl}, trying again: `;
  const back = `reto3: the server at ${adminUrl} is back`;
  for (let restart = 0; restart < 2; restart++) {
    await loadWith(server);
    await server.stop();
    await waitUntil('it has lost the server', () => timesIn(follower.stderr, lost) > restart);
    server = await Server.start({ dataDir, port, adminPort });
    await waitUntil('it has the server again', () => timesIn(follower.stderr, back) > restart);
  }
  await loadWith(server);
  const until = Date.now();
  await waitUntil('everything is printed', () => {
    expect(follower.running).toBe(true);
    return newestIn(follower.stdout) > until;
  });
  follower.signal('SIGINT');
  expect(await follower.exited).toEqual({ code: 130, signal: null });
  expect(noticesIn(follower.stderr)).toEqual([lost, back, lost, back]);

  const printed = parseLines(follower.stdout);
  const end = Math.max(...printed.keys()) + 10;
  const counted = countsOf(await askStats(adminUrl, 'ms10', `from=${from}&to=${end}`));
  expect([...printed]).toEqual([...counted]);
  expect(sumOf(printed)).toBe(3 * messages);
});

test('--follow reports once that its server hangs and once that it is back, and misses nothing', async () => {
  const from = thisMinute();
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--report', 'sizes'],
  });
  const { adminUrl } = server;
  // Detects silence sooner, but not so soon that a busy machine matters.
  const env = { RETO3_TEST_TICK_MS: '250', RETO3_URL: adminUrl };
  const follower = startCli(['stats', 'ms10', '--follow', '--from', String(from)], { env });
  const ofReport = startCli(['report', 'sizes', '-f', '--from', String(from)], { env });
  await loadWith(server);
  await waitUntil('both follow', () => follower.stdout !== '' && ofReport.stdout !== '');

  server.signal('SIGSTOP');
  for (const command of ['stats', 'health']) {
    const asked = await runCli([command], { env });
    expect(asked).toMatchObject({ code: 3, stdout: '' });
    expect(asked.stderr).toMatch(
      /: nothing came for \d+ s \(it accepts connections but does not answer: it may be paused or overloaded\) \[RETO3_SERVER_NOT_REACHABLE\]\n$/,
    );
  }
  const lost = `reto3: lost the server at ${adminUrl}, trying again: `;
  const back = `reto3: the server at ${adminUrl} is back`;
  for (const each of [follower, ofReport])
    await waitUntil('it has lost the server', () => {
      expect(each.running).toBe(true);
      return each.stderr.endsWith(' s\n');
    });
  server.signal('SIGCONT');
  for (const each of [follower, ofReport])
    await waitUntil('it has the server again', () => each.stderr.includes(`${back}\n`));
  await loadWith(server);
  const until = Date.now();
  await waitUntil('everything is printed', () => newestIn(follower.stdout) > until);
  const reported = (): number =>
    [...ofReport.stdout.matchAll(/, messages=(\d+)/g)].reduce((sum, [, n]) => sum + Number(n), 0);
  await waitUntil('all rows are printed', () => reported() >= 2 * messages);
  for (const each of [follower, ofReport]) {
    each.signal('SIGINT');
    expect(await each.exited).toEqual({ code: 130, signal: null });
    expect(noticesIn(each.stderr)).toEqual([lost, back]);
  }
  const printed = parseLines(follower.stdout);
  const range = `from=${from}&to=${Math.max(...printed.keys()) + 10}`;
  expect([...printed]).toEqual([...countsOf(await askStats(adminUrl, 'ms10', range))]);
  expect(sumOf(printed)).toBe(2 * messages);
  expect(reported()).toBe(2 * messages);
});

test('--follow --from a time in the future prints nothing before it', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  // Not the start of a window.
  const from = Date.now() + 1_505;
  const at = ['--url', server.adminUrl];
  const follower = startCli(['stats', 'ms10', '-f', '--from', String(from), ...at]);
  await waitUntil('it prints', () => follower.stdout.split('\n').length > 20);
  follower.signal('SIGINT');
  expect(await follower.exited).toEqual({ code: 130, signal: null });
  const [first] = parseLines(follower.stdout).keys();
  expect(first).toBe(Math.ceil(from / 10) * 10);
});

test('--follow --last waits for the first final window of a new server, and misses none', async () => {
  const asked: string[] = [];
  const young = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(200, {
      'content-type': 'text/plain',
      'reto3-empty': 'true',
      'reto3-to': '1480384140000',
    });
    // The live connection stays open until windows become final.
    if (request.url?.startsWith('/v1/live')) response.write(': open\n\n');
    // Ends like a real answer: nothing is missing.
    else response.end('\x1e{"damaged":[],"damagedPlaces":0}\n');
  });
  const url = `http://127.0.0.1:${await listen(young)}`;
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
  await untilFinal(server, Date.now() + 50);
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
    await waitUntil('it prints more', () => follower.stdout.split('\n').length > 30);
    follower.signal(signal);
    expect(await follower.exited).toEqual({ code: 130, signal: null });
    const lines = follower.stdout.trimEnd().split('\n');
    expect(lines.slice(0, header.length)).toEqual(header);
    for (const text of lines.slice(header.length)) expect(text).toMatch(line);
    expect(new Set(lines).size).toBe(lines.length);
  }
});

/** Start of the newest window whose line is complete, epoch ms; 0 if there is none. */
function newestIn(stdout: string): number {
  const [line = ''] = stdout.split('\n').slice(-2);
  return Date.parse(`${line.slice(0, 'YYYY-MM-DD HH:MM:SS.mmm'.length).replace(' ', 'T')}Z`) || 0;
}

function timesIn(text: string, part: string): number {
  return text.split(part).length - 1;
}

/** What stderr says of the connection, without the reasons at the ends of lines. */
function noticesIn(stderr: string): string[] {
  return stderr
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('reto3: counted in part'))
    .map((line) => line.replace(/(, trying again: ).+/, '$1'));
}

async function loadWith(server: Server): Promise<void> {
  const load = Load.start({ port: server.port, connections: 2, depth: 4, requests: messages });
  await load.done;
  expect(load.answered).toBe(messages);
}
