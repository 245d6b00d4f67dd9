/**
 * A refusal prints one line with the cure to stderr, nothing to stdout, and exits with the
 * contract's code; running servers are not affected.
 */
import { spawnSync } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { freePort } from '@reto3/bench/src/free-port.ts';
import { expect, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { cliFile, type Outcome, runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { listen } from '../support/listen.ts';
import { Load } from '../support/load.ts';
import { Server, serveArgs } from '../support/server.ts';

const exit = { failed: 1, usage: 2, notReachable: 3, noData: 4 } as const;

function expectRefusal(outcome: Outcome, code: number, line: RegExp): void {
  expect(outcome.stdout).toBe('');
  // One line that ends with its cure in brackets.
  expect(outcome.stderr).toMatch(/^reto3: [^\n]+ \([^\n]+\) \[RETO3_[A-Z0-9_]+\]\n$/);
  expect(outcome.stderr).toMatch(line);
  const [, message = '', hint = ''] = /^reto3: (.*?) \((.*)\) \[/.exec(outcome.stderr) ?? [];
  const words = hint.split(' ');
  for (const [at] of words.slice(2).entries())
    expect(message, 'the cure repeats the message').not.toContain(
      words.slice(at, at + 3).join(' '),
    );
  expect(outcome.code).toBe(code);
}

interface Misuse {
  readonly args: readonly string[];
  readonly line: RegExp;
}

const misuses: readonly Misuse[] = [
  { args: ['serve', '--nonsense'], line: /--nonsense.*serve --help/ },
  { args: ['stats', 'ms10', '--nonsense'], line: /--nonsense.*stats --help/ },
  { args: ['nonsense'], line: /nonsense/ },
  { args: ['stats', 'ms5'], line: /there is no period "ms5".*ms10/ },
  { args: ['serve', '--port', 'http'], line: /got --port "http", want a whole number/ },
  { args: ['serve', '--port', '65536'], line: /got --port "65536", want .*65535/ },
  { args: ['serve', '--workers', '0'], line: /got --workers "0", want a whole number from 1/ },
  { args: ['serve', '--flush-ms', '5'], line: /got --flush-ms "5", want a whole number from 10/ },
  { args: ['serve', '--host', 'nowhere'], line: /got --host "nowhere", want an IP address/ },
  { args: ['serve', '--log-level', 'loud'], line: /got --log-level "loud", want one of trace/ },
  { args: ['serve', '--ack', 'maybe'], line: /got --ack "maybe", want .*durable/ },
  { args: ['serve', '--node', 'a.b'], line: /got --node "a\.b", want/ },
  { args: ['serve', '--admin-host', '0.0.0.0'], line: /--admin-host.*--admin-token-file/ },
  { args: ['export', 'ms10', '--format', 'text'], line: /got format "text", want one of csv, / },
  { args: ['bursts', '--format', 'xml'], line: /got format "xml", want one of text, json, csv, / },
  { args: ['query', 'SELECT 1', '--format', 'text'], line: /want one of table, csv, / },
  { args: ['export', 'hour'], line: /there is no period "hour" \(use ms10/ },
  { args: ['stats', 'sec', '--url', 'localhost:8081'], line: /got --url "localhost:8081", want/ },
];

test.each(misuses)('reto3 $args is a misuse', async ({ args, line }) => {
  expectRefusal(await runCli(args), exit.usage, line);
});

test('an invalid environment variable is named', async () => {
  const outcome = await runCli(['serve'], { env: { RETO3_PORT: 'http' } });
  expectRefusal(outcome, exit.usage, /got RETO3_PORT "http", want a whole number/);
});

test('an invalid query is a misuse, and a range without data says so', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const stats = (...flags: string[]): Promise<Outcome> =>
    runCli(['stats', 'ms10', '--url', server.adminUrl, ...flags]);
  const refusals: readonly (readonly [flags: string[], code: number, line: RegExp])[] = [
    [['--from', 'yesterday'], exit.usage, /got from "yesterday", want a time/],
    [['--from', '2026-02-30'], exit.usage, /got from "2026-02-30"/],
    [['--to', '5x'], exit.usage, /got to "5x", want/],
    [['--last', 'many'], exit.usage, /got last "many", want a whole number/],
    [['--last', '0'], exit.usage, /got last "0"/],
    [['--last', '5', '--from', '1m'], exit.usage, /got last and from together/],
    [['--from', '1m', '--to', '2m'], exit.usage, /want from before to/],
    [['--format', 'xml'], exit.usage, /got format "xml", want one of text/],
    [['--follow', '--to', '1m'], exit.usage, /--follow with --to/],
    [['--from', '2016-05-28', '--to', '2016-05-29'], exit.noData, /nothing was counted/],
  ];
  for (const [flags, code, line] of refusals) expectRefusal(await stats(...flags), code, line);
});

test('a missing server, or one of another kind, is unreachable', async () => {
  const port = await freePort();
  for (const flags of [[], ['--follow']]) {
    const args = ['stats', 'sec', '--url', `http://127.0.0.1:${port}`, ...flags];
    expectRefusal(await runCli(args), exit.notReachable, /cannot reach .*reto3 serve/);
  }
  const other = createHttpServer((_, response) => response.writeHead(404).end('not here'));
  const url = `http://127.0.0.1:${await listen(other)}`;
  expectRefusal(await runCli(['stats', 'sec', '--url', url]), exit.notReachable, /no reto3/);
});

test('ports in use are refused, and their servers continue', async () => {
  const first = await Server.start({ dataDir: await temporaryFolder() });
  const load = Load.start({ port: first.port, connections: 1, depth: 1 });
  const net = await listen(createServer((socket) => socket.destroy()));
  const serve = async (ports: { port?: number; adminPort?: number }): Promise<Outcome> =>
    runCli(serveArgs({ dataDir: await temporaryFolder(), ...ports }));
  for (const port of [first.port, first.adminPort, net]) {
    const taken = new RegExp(`cannot listen on \\S+:${port}.*another process listens there`);
    expectRefusal(await serve({ port }), exit.failed, taken);
    expectRefusal(await serve({ adminPort: port }), exit.failed, taken);
  }
  await load.stop();
  expect((await askInfo(first.adminUrl)).messagesSinceStart).toBe(load.answered);
});

test('a data folder in use is refused, and its server continues', async () => {
  const dataDir = await temporaryFolder();
  const first = await Server.start({ dataDir });
  const load = Load.start({ port: first.port, connections: 1, depth: 1 });
  const held = /cannot open the data folder .*another server holds it.*--data-dir/;
  expectRefusal(await runCli(serveArgs({ dataDir })), exit.failed, held);
  // The server takes the lock before the port, so the second one gets no connection.
  const same = serveArgs({ dataDir, port: first.port, adminPort: first.adminPort });
  expectRefusal(await runCli(same), exit.failed, held);
  await load.stop();
  expect((await askInfo(first.adminUrl)).messagesSinceStart).toBe(load.answered);
  await first.stop();
  const next = await Server.start({ dataDir });
  expect((await askInfo(next.adminUrl)).messagesInAll).toBe(load.answered);
});

test('a file in place of the data folder or a parent is refused', async () => {
  const file = join(await temporaryFolder(), 'file');
  await writeFile(file, 'not a folder');
  for (const dataDir of [file, join(file, 'below')]) {
    const outcome = await runCli(serveArgs({ dataDir }));
    expectRefusal(outcome, exit.failed, /cannot make the data folder .*another --data-dir/);
  }
});

// Writing to /dev/full fails as on a full disk. These are LevelDB's first file and the first
// anchor.
test.each(['000001.dbtmp', 'ANCHOR.new'])(
  'a full disk is refused when %s is written',
  async (name) => {
    const dataDir = await temporaryFolder();
    await symlink('/dev/full', join(dataDir, name));
    const outcome = await runCli(serveArgs({ dataDir }));
    expectRefusal(
      outcome,
      exit.failed,
      /the data folder .*: no space left on its disk \(free space/,
    );
  },
);

test('a token that is too short is refused', async () => {
  const folder = await temporaryFolder();
  const file = join(folder, 'token');
  await writeFile(file, 'a\n');
  const args = serveArgs({ dataDir: join(folder, 'data'), flags: ['--admin-token-file', file] });
  const line = /got a token of 1 characters in --admin-token-file .*, want at least 16/;
  expectRefusal(await runCli(args), exit.usage, line);
});

test('a token file that is missing, empty or unfit for a header is refused', async () => {
  const folder = await temporaryFolder();
  const [empty, long] = [join(folder, 'empty'), join(folder, 'long')];
  await writeFile(empty, '\n');
  await writeFile(long, 'first\nsecond\n');
  for (const file of [empty, long, join(folder, 'missing')]) {
    const args = serveArgs({ dataDir: join(folder, 'data'), flags: ['--admin-token-file', file] });
    expectRefusal(await runCli(args), exit.usage, /--admin-token-file/);
    const asked = await runCli(['stats', 'sec', '--token-file', file]);
    expectRefusal(asked, exit.usage, /--token-file.*give a file that contains the token/);
  }
});

test('a closed pipe ends reto3 stats quietly', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  await Load.start({ port: server.port, connections: 1, depth: 1, requests: 100 }).done;
  // --follow keeps writing, so it is certain to meet the closed pipe.
  for (const flags of [
    ['--from', '1m'],
    ['--from', '1m', '--follow'],
  ]) {
    const script = 'set -o pipefail; "$@" | head -1; echo "code $?"';
    const args = [process.execPath, cliFile, 'stats', 'ms10', '--url', server.adminUrl, ...flags];
    const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', ...args], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\d \S+, \d+\ncode 0\n$/);
    expect(stderr).toBe('');
  }
});
