/** `reto3 top` and `reto3 stats --chart --follow` in a real terminal. */
import { createServer } from 'node:http';
import { freePort } from '@reto3/bench/src/free-port.ts';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { startNode } from '../support/cluster.ts';
import { temporaryFolder } from '../support/folder.ts';
import { listen } from '../support/listen.ts';
import { Load } from '../support/load.ts';
import { NatsServers } from '../support/nats.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { thisSecond } from '../support/stats.ts';
import { Terminal } from '../support/terminal.ts';
import { waitUntil } from '../support/wait.ts';

const needsTmux = requires('tmux');
const size = { columns: 90, lines: 24 };
const live = 'alternate 1, cursor 0, wrap 0';
const asBefore = 'alternate 0, cursor 1, wrap 1';
const messages = 1_234;

async function serverWithMessages(ports = {}): Promise<Server> {
  const server = await Server.start({
    ...ports,
    dataDir: await temporaryFolder(),
    flags: ['--workers', '2'],
  });
  await send(server);
  return server;
}

async function send(server: Server): Promise<void> {
  const load = Load.start({ port: server.port, connections: 2, depth: 4, requests: messages });
  await load.done;
  expect(load.answered).toBe(messages);
}

needsTmux('top shows the counts, follows the size, and restores the terminal', async () => {
  const server = await serverWithMessages();
  const terminal = Terminal.run(['top', '--url', server.adminUrl], size);
  await terminal.shows(/messages {3}1,234 since the start, 1,234 in all/);
  const shown = await terminal.shows(/of the last minute, mean/);
  expect(shown).toMatch(/^ *1 .*%/m);
  expect(terminal.state()).toBe(live);
  await send(server);
  await terminal.shows(/messages {3}2,468 since the start/);

  terminal.resize({ columns: 40, lines: 8 });
  await terminal.shows(/each of the last 40 s/);
  // Cut at the right instead of wrapped, and drawn from the top.
  expect(terminal.text().split('\n')[0]).toMatch(/^reto3 /);
  terminal.resize({ columns: 120, lines: 40 });
  await terminal.shows(/each of the last 59 s[\s\S]*\nworkers\n/);

  terminal.press('q');
  expect(await terminal.shows(/left with/)).toMatch(/^before\nleft with 0\n/);
  expect(terminal.state()).toBe(asBefore);
});

needsTmux('Ctrl-C exits with 130 and restores the terminal', async () => {
  const { adminUrl } = await serverWithMessages();
  const terminal = Terminal.run(['top', '--url', adminUrl], size);
  await terminal.shows(/since the start/);
  terminal.press('C-c');
  expect(await terminal.shows(/left with/)).toMatch(/^before\nleft with 130\n/);
  expect(terminal.state()).toBe(asBefore);
});

needsTmux('prints colours, but not with NO_COLOR', async () => {
  const { adminUrl } = await serverWithMessages();
  const coloured = Terminal.run(['top', '--url', adminUrl], size);
  const plain = Terminal.run(['top', '--url', adminUrl], size, { NO_COLOR: '1' });
  for (const terminal of [coloured, plain]) await terminal.shows(/since the start/);
  const escapes = '\u001b[';
  expect(coloured.text(true)).toContain(escapes);
  expect(plain.text(true)).not.toContain(escapes);
});

needsTmux('shows that a server is unreachable, and its counts once it is back', async () => {
  const ports = { port: await freePort(), adminPort: await freePort() };
  const server = await serverWithMessages(ports);
  const { adminUrl } = server;
  const dataDir = await temporaryFolder();
  const terminal = Terminal.run(['top', '--url', adminUrl], size);
  await terminal.shows(/messages {3}1,234 since the start/);
  await server.stop();
  const away = await terminal.shows(/no answer since .*, trying again/);
  expect(away).toMatch(/messages {3}1,234 since the start/);
  const again = await Server.start({ dataDir, ...ports });
  await send(again);
  await send(again);
  const back = await terminal.shows(/messages {3}2,468 since the start/);
  expect(back).not.toMatch(/no answer/);
  expect(back).toMatch(/final through/);
  terminal.press('q');
  await terminal.shows(/left with 0/);
});

needsTmux('a chart that follows draws new windows, and restores the terminal', async () => {
  const server = await serverWithMessages();
  const args = ['stats', 'sec', '--chart', '--follow', '--url', server.adminUrl];
  const terminal = Terminal.run(args, size);
  await terminal.shows(/messages in 1 s, [\s\S]* ┤[\s\S]*┬/);
  expect(terminal.state()).toBe(live);
  terminal.press('q');
  expect(await terminal.shows(/left with/)).toMatch(/^before\nleft with 0\n/);
  expect(terminal.state()).toBe(asBefore);
});

test('without a terminal, top prints one frame without colours, and exits', async () => {
  const server = await serverWithMessages();
  const { code, stdout, stderr } = await runCli(['top', '--url', server.adminUrl]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/messages {3}1,234 since the start, 1,234 in all\n/);
  expect(stdout).not.toContain('\u001b');
});

test('top --json prints the figures of one frame', async () => {
  const server = await serverWithMessages();
  const { code, stdout, stderr } = await runCli(['top', '--json', '--url', server.adminUrl]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const figures = JSON.parse(stdout);
  expect(figures).toMatchObject({
    ...{ url: server.adminUrl, scope: 'node', nodes: [], finalThrough: expect.any(Number) },
    rates: { overSec: expect.any(Number), over10Sec: expect.any(Number) },
    server: {
      messagesSinceStart: messages,
      workerRates: [expect.any(Number), expect.any(Number)],
      freshnessMs: { p50: expect.any(Number), p99: expect.any(Number), max: expect.any(Number) },
    },
  });
  const counts = figures.peaks.map(({ count }: { count: number }) => count);
  expect(counts[0]).toBe(Math.max(...counts));
});

requires('nats-server')('top on a merger shows the nodes', async () => {
  const nats = await NatsServers.start();
  const both = await startNode({
    nats,
    dataDir: await temporaryFolder(),
    name: 'web-1',
    role: 'both',
  });
  const other = await startNode({ nats, dataDir: await temporaryFolder(), name: 'web-2' });
  await send(other);
  await waitUntil('both are known', async () => {
    const { stdout } = await runCli(['cluster', '--json', '--url', both.adminUrl]);
    const { nodes }: { nodes: readonly { state: string }[] } = JSON.parse(stdout);
    return nodes.filter(({ state }) => state === 'live').length === 2;
  });
  const { code, stdout } = await runCli(['top', '--url', both.adminUrl]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/nodes of the cluster\nweb-1 +live .* %.*lag .* ms\nweb-2 +live .* %/);
});

test('without a server, top exits with 3 and leaves the terminal alone', async () => {
  const { code, stdout, stderr } = await runCli(['top', '--url', 'http://127.0.0.1:1']);
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(stderr).toMatch(/^reto3: cannot reach the server at /);
});

test('a chart without a terminal shows the same windows, and refuses to follow', async () => {
  const server = await serverWithMessages();
  const { adminUrl } = server;
  const chart = await runCli(['stats', 'min', '--open', '--chart', '--url', adminUrl]);
  expect({ code: chart.code, stderr: chart.stderr }).toEqual({ code: 0, stderr: '' });
  expect(chart.stdout).toMatch(/^messages in 1 min, /);
  expect(chart.stdout).toMatch(/^1300 ┤/m);
  const follow = await runCli(['stats', 'min', '--chart', '--follow', '--url', adminUrl]);
  expect(follow.code).toBe(2);
  expect(follow.stderr).toMatch(/got --chart with --follow, which needs a terminal/);
});

/**
 * A server with a damaged newest second.
 * @returns its address
 */
async function serverWithDamage(): Promise<string> {
  const to = thisSecond();
  const place = { from: to - 2_000, to: to - 1_000, reason: 'its checksum does not match' };
  const damage = { damaged: [place], damagedPlaces: 1 };
  const columns = { from: to, to: to + 1_000, starts: [to], counts: [5], ...damage };
  const info = {
    ...{ version: '1.2.3', node: 'a', boot: 1, uptimeMs: 1, messagesSinceStart: 5 },
    ...{ messagesByWorker: [5], messagesInAll: 5, freshnessMs: { p50: 1, p99: 1, max: 1 } },
  };
  const server = createServer((request, response) => {
    const { pathname = '' } = new URL(request.url ?? '', 'http://server');
    response.setHeader('content-type', 'application/json');
    if (pathname === '/v1/info') response.end(JSON.stringify(info));
    else if (pathname === '/v1/live') {
      // The second event reports the same damage, as every later one would.
      const event = `id: ${to + 1_000}\ndata: ${JSON.stringify(columns)}\n\n`;
      response.write(event + event);
    } else if (pathname === '/v1/stats/sec') {
      response.setHeader('reto3-to', String(to));
      const line = JSON.stringify({ start: to - 3_000, count: 5 });
      response.end(`${line}\n\x1e${JSON.stringify({ damaged: [], damagedPlaces: 0 })}\n`);
    } else {
      const error = { code: 'RETO3_NO_CLUSTER', message: 'alone', hint: 'none' };
      response.writeHead(404).end(JSON.stringify(error));
    }
  });
  return `http://127.0.0.1:${await listen(server)}`;
}

test('top reports damage in a followed answer once', async () => {
  const url = await serverWithDamage();
  for (const flags of [[], ['--json']]) {
    const { code, stderr } = await runCli(['top', ...flags, '--url', url]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^reto3: cannot read ms10 from .*: its checksum does not match\n$/);
  }
});

needsTmux('top and a following chart show damage once', async () => {
  const url = await serverWithDamage();
  for (const args of [['top'], ['stats', 'sec', '--chart', '--follow']]) {
    const terminal = Terminal.run([...args, '--url', url], size);
    const shown = await terminal.shows(/cannot read (?:ms10|sec) from /);
    expect(shown.split('cannot read').length).toBe(2);
    terminal.press('q');
    expect(await terminal.shows(/left with/)).toMatch(/^before\nleft with 0\n/);
  }
});
