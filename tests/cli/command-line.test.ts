/** The command line as a whole: guesses at typos, aliases, version, help, and JSON for scripts. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askInfo, askStats } from '../support/api.ts';
import { cliFile, runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { Server } from '../support/server.ts';
import { partialNote } from '../support/stats.ts';
import { waitUntil } from '../support/wait.ts';

test('starts without an option of GNU env, and passes on every word as it is', async () => {
  // BusyBox, as in Alpine, does not have `env -S`.
  expect((await readFile(cliFile, 'utf8')).split('\n', 1)).toEqual(['#!/bin/sh']);
  const word = `a "b" 'c' $HOME $(id) *`;
  const { code, stderr } = await runCli([word]);
  expect([code, stderr]).toEqual([2, expect.stringMatching(/^reto3: there is no command /)]);
  expect(stderr).toContain(word);
});

test.each([
  [['stat', 'sec'], 'there is no command "stat", did you mean "stats"?'],
  [['bakcup', 'counts.reto3'], 'there is no command "bakcup", did you mean "backup"?'],
  [['frobnicate'], 'there is no command "frobnicate" (see reto3 --help for the commands)'],
  [
    ['query', 'SELECT 1', '--bogus'],
    'there is no flag --bogus (see reto3 query --help) [RETO3_BAD_FLAG]',
  ],
  [['export', 'ms10', 'sec'], 'got "sec", which reto3 export does not take (see reto3 export --'],
  [['stats', '--last'], 'got no value for --last (see reto3 stats --help) [RETO3_BAD_FLAG]'],
  [
    ['help', 'nothing'],
    'there is no command "nothing" (see reto3 --help for the commands) [RETO3_',
  ],
  [
    ['doctor', '--port', 'x'],
    'got --port "x", want a whole number from 0 to 65535 (see reto3 serve --help) [RETO3_BAD_SETTING]',
  ],
  [
    ['view', 'access.log', '--port', 'x'],
    'got --port "x", want a whole number from 0 to 65535 (see reto3 serve --help) [RETO3_BAD_SETTING]',
  ],
  [['whatif'], 'got no --capacity (see reto3 whatif --help) [RETO3_BAD_FLAG]'],
  [
    ['stats', 'hour'],
    'there is no period "hour" (use ms10 (10 ms), sec (1 s) or min (60 s)) [RETO3',
  ],
  [['reports', 'lag'], 'got "lag", which reto3 reports does not take (see reto3 reports --help)'],
  [['report', '--last', '5'], 'got no NAME (see reto3 report --help)'],
  [['replay'], 'got no REPORT (see reto3 replay --help)'],
  [['bursts', 'today'], 'got "today", which reto3 bursts does not take (see reto3 bursts --help)'],
  [
    ['stats', 'sec', '5', '--open'],
    'got "5", which reto3 stats does not take (see reto3 stats --help)',
  ],
  [['backup'], 'got no FILE (see reto3 backup --help)'],
  [['restore', 'counts.reto3'], 'got no --data-dir (see reto3 restore --help)'],
  [['audit', '--josn'], 'there is no flag --josn, did you mean "--json"? (see reto3 audit --help)'],
  [
    ['stats', 'sec', '--lsat', '5'],
    'there is no flag --lsat, did you mean "--last"? (see reto3 stats --help)',
  ],
])('reto3 %j is refused in one line, with what was meant', async (args, says) => {
  const { code, stdout, stderr } = await runCli(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.startsWith(`reto3: ${says}`)).toBe(true);
  expect(stderr).toMatch(/^[^\n]+ \[RETO3_[A-Z0-9_]+\]\n$/);
});

test.each([
  [['stats', 'sec', '--from', '2026-11-29', '01:49'], '--from "2026-11-29 01:49"'],
  [['stats', '--since', '2026-11-29', '01:49:30.5'], '--since "2026-11-29 01:49:30.5"'],
  [['export', 'ms10', '--to=2026-11-29', '1:49'], '--to "2026-11-29 1:49"'],
  [['report', 'lag', '--from', '2026-11-29', '01:49'], '--from "2026-11-29 01:49"'],
  [['query', '--until', '2026-11-29', '01:49', 'SELECT 1'], '--until "2026-11-29 01:49"'],
])('reto3 %j lacks quotes, and the error shows them', async (args, quoted) => {
  const { code, stderr } = await runCli(args);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining(`(quote a time that contains a space: ${quoted})`),
  });
});

test.each([
  [['bursts', '--log', 'a.log', 'b.log'], 'got "b.log", which reto3 bursts does not take'],
  [['stats', '--log', 'a.log', 'b.log'], 'there is no period "b.log"'],
  [['report', 'top', '--log=logs/a', 'logs/b'], 'there is no period "logs/b"'],
])('reto3 %j has a pattern without quotes, and the error says so', async (args, message) => {
  const { code, stderr } = await runCli(args);
  const cure = '--log takes one file: repeat it, or put a pattern in quotes';
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining(`reto3: ${message} (${cure})`),
  });
});

/** Commands with JSON output, each with a way to fail. */
const failures = [
  [['stats', 'sec', '--json', '--from', 'x'], 2, 'RETO3_BAD_TIME'],
  [['stats', '--format', 'json', '--from', '2016-05-28', '--to', '2016-05-29'], 4, 'RETO3_NO_DATA'],
  [['bursts', '--format=json', '--last', 'x'], 2, 'RETO3_BAD_RANGE'],
  [['audit', '--json', '--nonsense'], 2, 'RETO3_BAD_FLAG'],
  [['stats', 'hour', '--json'], 2, 'RETO3_BAD_PERIOD'],
  [['reports', 'lag', '--json'], 2, 'RETO3_BAD_COMMAND'],
  [['whatif', '--json'], 2, 'RETO3_BAD_FLAG'],
  // Two formats contradict each other, even if one of them is the default.
  [['stats', '--json', '--format', 'text'], 2, 'RETO3_BAD_FORMAT'],
  [['bursts', '--json', '--format', 'csv'], 2, 'RETO3_BAD_FORMAT'],
  [['export', 'sec', '--json', '--format', 'csv'], 2, 'RETO3_BAD_FORMAT'],
  [['query', 'SELECT 1', '--format=table', '--json'], 2, 'RETO3_BAD_FORMAT'],
  [['report', 'lag', '--format', 'ndjson', '--json'], 2, 'RETO3_BAD_FORMAT'],
  [['replay', 'count', '--format', 'csv', '--json'], 2, 'RETO3_BAD_FORMAT'],
] as const;

test('with JSON output, an error is a JSON object on stderr', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  for (const [args, wanted, errorCode] of failures) {
    const { code, stdout, stderr } = await runCli(args, { env: { RETO3_URL: server.adminUrl } });
    expect({ args, code, stdout, error: JSON.parse(stderr) }).toEqual({
      args,
      code: wanted,
      stdout: wanted === 4 ? expect.stringContaining('"starts":[]') : '',
      error: { code: errorCode, message: expect.any(String), hint: expect.any(String) },
    });
  }
});

test('periods and flags have aliases', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const load = Load.start({ port: server.port, connections: 1, depth: 4, requests: 500 });
  await load.done;
  await waitUntil('the second of the load is final', async () => {
    const { counts } = await askStats(server.adminUrl, 'sec', 'from=0');
    return counts.reduce((sum, count) => sum + count, 0) === 500;
  });
  const { starts } = await askStats(server.adminUrl, 'sec', 'from=0');
  const from = String(starts[0]);
  const to = String((starts.at(-1) ?? 0) + 1_000);
  const seconds = (ms: string): string => ms.slice(0, -3);
  const said = async (...args: string[]): Promise<string> => {
    const outcome = await runCli(args, { env: { RETO3_URL: server.adminUrl } });
    expect(outcome).toMatchObject({ code: 0, stderr: expect.stringMatching(partialNote) });
    return outcome.stdout;
  };
  const sec = await said('stats', 'sec', '--from', from, '--to', to);
  for (const args of [
    ['stats', '--from', from, '--to', to],
    ['stats', '1s', '--since', from, '--until', to],
    ['stats', 'second', '--from', seconds(from), '--to', seconds(to)],
    ['stats', '-n', String(starts.length), '--until', to],
  ])
    expect({ args, said: await said(...args) }).toEqual({ args, said: sec });
  const ms10 = await said('export', 'ms10', '--from', from, '--to', to);
  expect(await said('export', '10ms', '--since', seconds(from), '--until', to)).toBe(ms10);
  const bursts = await said('bursts', '--from', from, '--to', to);
  expect(await said('bursts', '--since', seconds(from), '--until', seconds(to))).toBe(bursts);
  // The load may cross the end of a minute, and an audit reads whole minutes.
  const minutes = Math.ceil(Number(to) / 60_000) - Math.floor(Number(from) / 60_000);
  expect(await said('audit', '--since', seconds(from), '--until', seconds(to))).toMatch(
    new RegExp(`^periods +ok +${minutes} minutes? compared`, 'm'),
  );
  const { counts } = await askStats(server.adminUrl, 'ms10', `from=${from}&to=${to}`);
  const inSeconds = `from=${seconds(from)}&to=${seconds(to)}`;
  expect(await askStats(server.adminUrl, '10ms', inSeconds)).toMatchObject({
    period: 'ms10',
    counts,
  });
  for (const other of ['1m', 'minute'])
    expect(await askStats(server.adminUrl, other)).toMatchObject({ period: 'min' });
});

test.each([['-h'], ['--help']])('%s prints help, for reto3 and for a command', async (flag) => {
  const all = await runCli([flag]);
  expect(all).toMatchObject({ code: 0, stderr: '' });
  expect(all.stdout).toContain('\n  whatif ');
  const one = await runCli(['stats', 'sec', flag]);
  expect(one).toMatchObject({ code: 0, stderr: '' });
  expect(one.stdout).toContain('reto3 stats [PERIOD]');
});

test.each([
  ['--ack memory', /closed the connection \(that may be the ingest port; /],
  ['--ack durable', /closed the connection \(that may be the ingest port; /],
  ['--http node', /takes requests to be counted \(give the address of the query API /],
])('a request to the ingest port by mistake is no message (%s)', async (flags, says) => {
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: flags.split(' '),
  });
  for (const command of [
    ['health'],
    ['stats', 'sec'],
    ['stats', 'sec', '--follow'],
    ['bursts'],
    ['top'],
  ]) {
    const { code, stdout, stderr } = await runCli([
      ...command,
      '--url',
      `http://127.0.0.1:${server.port}`,
    ]);
    expect({ command, code, stdout }).toEqual({ command, code: 3, stdout: '' });
    expect(stderr).toMatch(says);
  }
  expect((await askInfo(server.adminUrl)).messagesSinceStart).toBe(0);
});

test('the version names the uWebSockets.js build that a server runs on', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const { uWebSockets } = await askInfo(server.adminUrl);
  for (const word of ['--version', '-v', 'version'])
    expect((await runCli([word])).stdout, word).toContain(` uWebSockets.js-${uWebSockets}\n`);
});

test('health, backup, restore and export have JSON output', async () => {
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
