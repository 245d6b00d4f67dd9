/** The manners of the command line: guesses, completion, what it says of itself, JSON for scripts. */
import { execFileSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askInfo } from './support/api.ts';
import { runCli } from './support/cli.ts';
import { temporaryFolder } from './support/folder.ts';
import { Load } from './support/load.ts';
import { Server } from './support/server.ts';

test.each([
  [['stat', 'sec'], 'there is no command "stat", did you mean "stats"?'],
  [['bakcup', 'counts.reto3'], 'there is no command "bakcup", did you mean "backup"?'],
  [['frobnicate'], 'there is no command "frobnicate" (see reto3 --help for the commands)'],
  [['reports', 'lag'], 'got "lag", which reto3 reports does not take (see reto3 reports --help)'],
  [['report', '--last', '5'], 'got no NAME (see reto3 report --help)'],
  [['replay'], 'got no REPORT (see reto3 replay --help)'],
  [['bursts', 'today'], 'got "today", which reto3 bursts does not take (see reto3 bursts --help)'],
  [
    ['stats', 'sec', '5', '--json'],
    'got "5", which reto3 stats sec does not take (see reto3 stats sec --help)',
  ],
  [['backup'], 'got no FILE (see reto3 backup --help)'],
  [
    ['restore', 'counts.reto3'],
    'Missing required flag data-dir (see reto3 restore counts.reto3 --help)',
  ],
  [['audit', '--josn'], 'there is no flag --josn, did you mean "--json"? (see reto3 audit --help)'],
  [
    ['stats', 'sec', '--lsat', '5'],
    'there is no flag --lsat, did you mean "--last"? (see reto3 stats sec --help)',
  ],
])('reto3 %j is refused in one line, with what was meant', async (args, says) => {
  const { code, stdout, stderr } = await runCli(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.startsWith(`reto3: ${says}`)).toBe(true);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});

test('the port that takes requests is not taken for the query API', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  for (const command of [['health'], ['stats', 'sec'], ['stats', 'sec', '--follow'], ['bursts']]) {
    const { code, stdout, stderr } = await runCli([
      ...command,
      '--url',
      `http://127.0.0.1:${server.port}`,
    ]);
    expect({ command, code, stdout }).toEqual({ command, code: 3, stdout: '' });
    expect(stderr).toMatch(/is no reto3 query API: status 200 \(that may be the port that takes /);
  }
});

test('--version names the build of uWebSockets.js that a server says it runs on', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const { uWebSockets } = await askInfo(server.adminUrl);
  const { stdout } = await runCli(['--version']);
  expect(stdout).toContain(` uWebSockets.js-${uWebSockets}\n`);
});

test('bash completes commands and flags', async () => {
  const cache = await temporaryFolder();
  const { code } = await runCli(['autocomplete', 'bash'], { env: { XDG_CACHE_HOME: cache } });
  expect(code).toBe(0);
  const functions = join(cache, 'reto3', 'autocomplete', 'functions', 'bash', 'reto3.bash');
  const completed = (...words: string[]): Set<string> => {
    const script = `source "$0"; COMP_WORDS=(reto3 "$@"); COMP_CWORD=$#; _reto3_autocomplete; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const text = execFileSync('bash', ['-c', script, functions, ...words], { encoding: 'utf8' });
    return new Set(text.trim().split('\n'));
  };
  expect(completed('sta')).toEqual(new Set(['stats']));
  expect(completed('stats', 'm')).toEqual(new Set(['min', 'ms10']));
  expect(completed('stats', 'sec', '--f')).toEqual(new Set(['--from', '--follow', '--format']));
  expect(completed('serve', '--alert-t')).toEqual(new Set(['--alert-token-file']));
});

test('health, backup, restore and export say it as JSON', async () => {
  const folder = await temporaryFolder();
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const load = Load.start({ port: server.port, connections: 1, depth: 4, requests: 500 });
  await load.done;
  const url = ['--url', server.adminUrl];
  const said = async (...args: string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await runCli(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout);
  };
  expect(await said('health', '--json', ...url)).toEqual({ status: 'ok' });
  const file = join(folder, 'counts.reto3');
  const backup = await said('backup', file, '--json', ...url);
  const { size } = await stat(file);
  expect(backup).toEqual({ file, rows: expect.any(Number), bytes: size });
  const restored = join(folder, 'restored');
  const restore = await said('restore', file, '--data-dir', restored, '--json');
  expect(restore).toEqual({ folder: restored, rows: expect.any(Number), messages: 500 });
  const all = await said('export', 'min', '--json', '--open', ...url);
  const one = await said('export', 'min', '--json', '--open', '--last', '1', ...url);
  expect(all).toMatchObject({ period: 'min', windowMs: 60_000 });
  expect(one).toMatchObject({ starts: [expect.any(Number)] });
});
