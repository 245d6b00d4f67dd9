/** `reto3 bursts` and `reto3 whatif`, on a server and on its folder. */
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WhatIf } from '@reto3/client/answers';
import { describe, expect, test } from 'vitest';
import { ask, askStats } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { flipRow, folderWithBlocks, messages, serverWithMessages } from '../support/data-folder.ts';
import { temporaryFolder } from '../support/folder.ts';
import { requires } from '../support/requirement.ts';
import { keepForever, Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';

test('the answers agree with the counts, and a folder answers like its server', async () => {
  const { server, dataDir } = await serverWithMessages();
  const range = await waitUntilFinal(server.adminUrl);
  const query = `from=${range.from}&to=${range.to}`;
  const bursts = await ask(server.adminUrl, '/v1/bursts', query);
  const peak = Math.max(...range.counts);
  expect(bursts).toMatchObject({ messages, windows: range.counts.length, damaged: [] });
  expect(bursts.scales[0]).toMatchObject({
    peak: { count: peak, start: range.starts[range.counts.indexOf(peak)] },
    mean: messages / range.counts.length,
  });
  const listed = bursts.bursts.list.reduce((sum, { total }) => sum + total, 0);
  expect(listed).toBe(bursts.bursts.messages);

  const whatIf = await ask(server.adminUrl, '/v1/whatif', `capacity=1000&${query}`);
  expect(whatIf).toMatchObject({ messages, capacity: 1_000, peakRate: peak * 100 });
  expect(whatIf.backlog.max).toBeGreaterThanOrEqual(peak - 10);
  expect(whatIf.backlog.max).toBeLessThanOrEqual(messages);

  await server.stop();
  const flags = ['--from', String(range.from), '--to', String(range.to), '--json'];
  const offline = [...flags, '--data-dir', dataDir];
  const fromFolder = await runCli(['bursts', ...offline]);
  expect(fromFolder).toMatchObject({ code: 0, stderr: '' });
  expect({ ...JSON.parse(fromFolder.stdout), finalThrough: 0 }).toEqual({
    ...bursts,
    finalThrough: 0,
  });
  const whatIfOffline = await runCli(['whatif', '--capacity', '1000', ...offline]);
  expect({ ...JSON.parse(whatIfOffline.stdout), finalThrough: 0 }).toEqual({
    ...whatIf,
    finalThrough: 0,
  });
});

/** From 100 windows before the first message to 100 after the last one, once these are final. */
async function waitUntilFinal(adminUrl: string) {
  let columns = await askStats(adminUrl, 'ms10', 'last=6000');
  await waitUntil('a second has passed since the last message', async () => {
    columns = await askStats(adminUrl, 'ms10', 'last=6000');
    const total = columns.counts.reduce((sum, count) => sum + count, 0);
    return total === messages && columns.counts.slice(-100).every((count) => count === 0);
  });
  return { ...columns, from: columns.starts[0] ?? 0, to: columns.finalThrough };
}

const startMs = Date.UTC(2016, 4, 28, 11, 11);

test('prints every format', async () => {
  // 200 s of seven messages each, 100 ms apart, followed by 300 ms without any.
  const dataDir = await folderWithBlocks(startMs);
  const bursts = (...flags: string[]) => runCli(['bursts', '--data-dir', dataDir, ...flags]);
  const text = await bursts('--last', '20100', '--rise', '1', '--stall', '300');
  expect(text).toMatchObject({ code: 0, stderr: '' });
  expect(text.stdout).toMatch(
    /^2016-05-28 11:11:00\.000 to 2016-05-28 11:14:20\.\d{3}: \d+ windows of 10 ms, 1400 messages$/m,
  );
  expect(text.stdout).toMatch(/^1 s {5}200 .* 7 +2016-05-28 11:11:00\.000 +1 +0$/m);
  expect(text.stdout).toMatch(/^bursts, from 1 message in 10 ms until below 1: 1400, with 100 %/m);
  expect(text.stdout).toMatch(/^2016-05-28 11:11:00\.610 {2}390$/m);
  expect(text.stdout).toMatch(
    /^beats: every 0\.1 s, one of them at 2016-05-28 11:14:\d\d\.\d00, confidence 99\.9999 %$/m,
  );

  // One window has no variance, so no dispersion: 0 would mean a clock.
  const second = await bursts('--from', String(startMs), '--to', String(startMs + 1_000));
  expect(second.stdout).toMatch(/^1 s {5}1 +7 +7 +2016-05-28 11:11:00\.000 +1$/m);

  const csv = await bursts(
    '--rise',
    '1',
    '--from',
    String(startMs),
    '--to',
    String(startMs + 200),
    '--format',
    'csv',
  );
  expect(csv.stdout).toBe(
    `from,to,peak,total,share\n${startMs},${startMs + 10},1,1,0.5\n${startMs + 100},${startMs + 110},1,1,0.5\n`,
  );
  const buckets = await runCli([
    ...['whatif', '--capacity', '10', '--rates', '5,100', '--data-dir', dataDir],
    ...['--format', 'ndjson'],
  ]);
  const curve = buckets.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(curve.map(({ rate }) => rate)).toEqual([5, 10, 100]);
  expect(curve.at(-1)).toEqual({ rate: 100, burst: 1 });
});

test('exit codes distinguish the failures', async () => {
  const dataDir = await folderWithBlocks(startMs);
  const offline = ['--data-dir', dataDir];
  expect(await runCli(['bursts', '--fail-above', '1', ...offline])).toMatchObject({ code: 0 });
  const above = await runCli(['bursts', '--fail-above', '0', ...offline]);
  expect(above.code).toBe(5);
  expect(above.stdout).not.toBe('');
  expect(above.stderr).toMatch(
    /^reto3: 1 message arrived in the 10 ms from .*, more than 0 \(.+\) \[RETO3_CHECK_FAILED\]\n$/,
  );
  const empty = ['--from', '2015-05-28', '--to', '2015-05-29', ...offline];
  expect(await runCli(['bursts', ...empty])).toMatchObject({ code: 4, stdout: '' });
  expect(await runCli(['whatif', '--capacity', '5', ...empty])).toMatchObject({
    code: 4,
    stdout: '',
  });
  for (const args of [
    ['bursts', '--rise', 'x'],
    ['bursts', '--format', 'xml'],
    ['bursts', '--who', '--format', 'csv'],
    ['whatif'],
    ['whatif', '--capacity', '0'],
  ])
    expect(await runCli([...args, ...offline])).toMatchObject({ code: 2, stdout: '' });
  await flipRow(dataDir, 'ms10');
  const damaged = await runCli(['bursts', '--from', String(startMs), ...offline]);
  expect(damaged.code).toBe(1);
  expect(damaged.stdout).toMatch(/\(\d+ not counted\)/);
  expect(damaged.stderr).toMatch(/its checksum does not match/);
});

test('a long log is analysed up to --to', async () => {
  const file = join(await temporaryFolder(), 'access.log');
  const times = Array.from({ length: 48 }, (_, index) => startMs + 7 + index * 20 * 3_600_000);
  await writeFile(file, times.map((time) => `${new Date(time).toISOString()} GET /\n`).join(''));
  const asked = ['--log', file, '--pattern', '^(?<time>\\S+) ', '--to'];
  const early = await runCli(['bursts', ...asked, '2016-05-30', '--json']);
  expect(early).toMatchObject({ code: 0 });
  expect(JSON.parse(early.stdout)).toMatchObject({ from: startMs, messages: 2 });
  const before = await runCli(['whatif', '--capacity', '5', ...asked, '2016-05-01']);
  expect(before).toMatchObject({ code: 4, stdout: '' });
});

describe('--expect judges a load generator', () => {
  /** A JMeter result with requests at these times, ms. */
  async function resultOf(times: readonly number[]): Promise<string> {
    const file = join(await temporaryFolder(), 'results.jtl');
    const rows = times.map((time) => `${startMs + time},1,GET,200,OK,thread,text,true,,1,1,1`);
    const columns =
      'timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,sentBytes,Latency';
    await writeFile(file, `${[columns, ...rows].join('\n')}\n`);
    return file;
  }
  /** 500 requests/s for 20 s. */
  const even = Array.from({ length: 10_000 }, (_, index) => index * 2);

  const judge = async (times: readonly number[], ...flags: string[]) =>
    runCli(['bursts', '--log', await resultOf(times), ...flags]);

  test('a generator that keeps its promise passes', async () => {
    const held = await judge(even, '--expect', 'constant', '--rate', '500');
    expect(held.code).toBe(0);
    expect(held.stdout).toContain('expected constant, 500/s: holds\n');
    expect(held.stdout).toMatch(/^messages a second +500 +\d+\.?\d* +\d+\.?\d* +yes$/m);
  });

  test('a wrong rate fails', async () => {
    const slow = await judge(even, '--expect', 'constant', '--rate', '550');
    expect(slow.code).toBe(5);
    expect(slow.stdout).toContain('expected constant, 550/s: does not hold\n');
    expect(slow.stderr).toMatch(
      /reto3: the traffic is not constant, 550\/s: messages a second 500, want at least 548\.\d+ \(docs.+\) \[RETO3_CHECK_FAILED\]\n$/,
    );
  });

  test('a stall fails', async () => {
    const times = even.map((time) => (time >= 10_000 && time < 10_200 ? 10_200 : time));
    const { code, stdout } = await judge(times, '--expect', 'constant', '--json');
    expect(code).toBe(5);
    const { verdict } = JSON.parse(stdout);
    expect(verdict).toMatchObject({ expect: 'constant', holds: false });
    expect(verdict.checks).toContainEqual({
      check: 'longestGapMs',
      measured: 200,
      at: startMs + 10_000,
      atMost: expect.closeTo(22, 1),
      holds: false,
    });
  });

  test('regular requests fail if independent clients are expected', async () => {
    const poisson = await judge(even, '--expect', 'poisson');
    expect(poisson.code).toBe(5);
    expect(poisson.stderr).toMatch(/dispersion at 10 ms 0, want at least 0\.\d/);
  });

  test('refuses to judge too few requests or an unknown expectation', async () => {
    const unknown = await judge([0, 5_000, 10_000], '--expect', 'poisson');
    expect(unknown).toMatchObject({ code: 4, stdout: '' });
    expect(unknown.stderr).toMatch(/too little traffic to judge: 1 message in 999 windows/);
    expect(await judge(even, '--expect', 'even')).toMatchObject({ code: 2, stdout: '' });
    expect(await judge(even, '--rate', '5')).toMatchObject({ code: 2, stdout: '' });
  });
});

test('a server and its folder give the same verdict', async () => {
  const dataDir = await folderWithBlocks(startMs);
  const server = await Server.start({ dataDir, flags: keepForever });
  const range = ['--from', String(startMs), '--to', String(startMs + 200_000)];
  const flags = ['bursts', ...range, '--expect', 'constant', '--rate', '7', '--json'];
  const asked = await runCli([...flags, '--url', server.adminUrl]);
  expect(asked.code).toBe(5);
  await server.stop();
  const read = await runCli([...flags, '--data-dir', dataDir]);
  expect(read.code).toBe(5);
  expect(JSON.parse(read.stdout).verdict).toEqual(JSON.parse(asked.stdout).verdict);
});

test('every limit is printed in the syntax of its program', async () => {
  const dataDir = await folderWithBlocks(startMs);
  const { stdout } = await runCli(['whatif', '--capacity', '10', '--data-dir', dataDir]);
  const titles = stdout.split('\n').filter((line) => line.endsWith(', for 10/s'));
  expect(titles.map((title) => title.split(',')[0])).toEqual([
    ...['nginx', 'haproxy', 'Envoy', 'Istio', 'Traefik'],
  ]);
  const { envoy, istio, traefik } = await limits();
  for (const line of [...envoy, ...istio, ...traefik]) expect(stdout).toContain(`    ${line}\n`);
});

async function limits(): Promise<WhatIf['limits']> {
  const dataDir = await folderWithBlocks(startMs);
  const { stdout } = await runCli(['whatif', '--capacity', '10', '--json', '--data-dir', dataDir]);
  const { limits }: WhatIf = JSON.parse(stdout);
  return limits;
}

requires('nginx')('nginx accepts the printed limit', async () => {
  const { nginx } = await limits();
  const [zone, ...lines] = nginx;
  const folder = await temporaryFolder();
  const file = join(folder, 'nginx.conf');
  await writeFile(
    file,
    `pid ${folder}/pid; events {} http { access_log off; ${zone}\n server { location / {\n${lines.join('\n')}\n} } }\n`,
  );
  const said = spawnSync('nginx', ['-t', '-p', folder, '-e', 'stderr', '-c', file], {
    encoding: 'utf8',
  });
  expect(said.stderr).toContain('test is successful');
  expect(said.status).toBe(0);
});

requires('haproxy')('haproxy accepts the printed limit', async () => {
  const { haproxy } = await limits();
  const file = join(await temporaryFolder(), 'haproxy.cfg');
  const timeouts = ['client', 'server', 'connect'].map((name) => `  timeout ${name} 5s`);
  const lines = [
    'defaults',
    '  mode http',
    ...timeouts,
    'frontend requests',
    '  bind 127.0.0.1:8080',
    ...haproxy.map((line) => `  ${line}`),
    '  default_backend server',
    'backend server',
    '  server one 127.0.0.1:8081',
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  const said = spawnSync('haproxy', ['-c', '-f', file], { encoding: 'utf8' });
  expect(`${said.stdout}${said.stderr}`).not.toMatch(/WARNING|ALERT/);
  expect(said.status).toBe(0);
});
