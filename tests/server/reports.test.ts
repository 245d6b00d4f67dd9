/** Reports in whole servers: what they see, keep and survive, and that they break nothing. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, askInfo, askStats } from '../support/api.ts';
import { runCli, startCli } from '../support/cli.ts';
import { figure } from '../support/figure.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { askReport, columnSum, stamp } from '../support/report.ts';
import { Server } from '../support/server.ts';
import { partialNote, thisMinute, untilFlushed } from '../support/stats.ts';
import { waitUntil } from '../support/wait.ts';

const builtIn = ['--report', 'lag', '--report', 'generated', '--report', 'top,sizes'];

/** The examples of docs/reports.md, copied as a reader would. */
const [methods, laws] = (() => {
  const path = new URL('../../docs/reports.md', import.meta.url);
  const blocks = [...readFileSync(path, 'utf8').matchAll(/```js\n(.*?)```/gs)];
  const [report, test] = blocks.map(([, code]) => code);
  if (report === undefined || test === undefined) throw new Error('docs/reports.md has no example');
  return [report, test];
})();

async function moduleWith(code: string, name = 'report.mjs'): Promise<string> {
  const folder = join(await temporaryFolder(), 'somewhere else');
  await mkdir(folder);
  const path = join(folder, name);
  await writeFile(path, code);
  return path;
}

test('generated equals count, shifted by exactly the delay of the messages', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder(), flags: builtIn });
  const url = `http://127.0.0.1:${server.port}/`;
  const from = thisMinute();
  const delays = [0, 0, 2_000, 90_000, 4 * 3_600_000, -3_000];
  const wanted = new Map<number, number>();
  for (let round = 0; round < 20; round++) {
    await Promise.all(
      delays.map(async (delayMs) => {
        const time = Date.now() - delayMs;
        const window = Math.floor(time / 10) * 10;
        wanted.set(window, (wanted.get(window) ?? 0) + 1);
        await fetch(url, { method: 'POST', body: stamp(time) });
      }),
    );
  }
  await fetch(url, { method: 'POST', body: 'value=never' });
  await fetch(url);

  const generated = await askReport(server, 'generated', 'ms10');
  const stored = generated.rows.filter(([, count]) => count !== 0);
  expect(new Map(stored.map(([start, count]) => [start, count]))).toEqual(wanted);
  const sent = 20 * delays.length;
  for (const period of ['ms10', 'sec', 'min']) {
    const { counts } = await askStats(server.adminUrl, period, `from=${from}&open=true`);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(sent + 2);
    const same = await askReport(server, 'generated', period);
    expect([columnSum(same, 'count'), columnSum(same, 'untimed')]).toEqual([sent, 2]);
  }
  const lag = await askReport(server, 'lag', 'min');
  expect([columnSum(lag, 'messages'), columnSum(lag, 'ahead'), columnSum(lag, 'untimed')]).toEqual([
    sent - 20,
    20,
    2,
  ]);
  const late = Math.max(...generated.rows.map((row) => Number(row[2])));
  expect(late).toBeGreaterThanOrEqual(4 * 3_600_000);
  expect(late).toBeLessThan(4 * 3_600_000 + 5_000);
});

test('reports see exactly the counted messages, over stops and starts', async () => {
  const dataDir = await temporaryFolder();
  let answered = 0;
  for (let round = 0; round < 3; round++) {
    const server = await Server.start({ dataDir, flags: [...builtIn, '--workers', '2'] });
    const load = Load.start({
      port: server.port,
      generatedMs: Date.now(),
      connections: 8,
      depth: 4,
    });
    await waitUntil('the load runs', () => load.answered >= 3_000);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    await load.done;
    answered += load.answered;
  }
  const server = await Server.start({ dataDir, flags: builtIn });
  const { messagesInAll } = await askInfo(server.adminUrl);
  expect(messagesInAll).toBeGreaterThanOrEqual(answered);
  for (const period of ['ms10', 'sec', 'min']) {
    const { rows } = await askReport(server, 'sizes', period);
    const { starts, counts } = await askStats(server.adminUrl, period, 'from=0&open=true');
    const counted = starts.map((start, index) => [start, counts[index] ?? 0] as const);
    // Window by window, since both use the same clock.
    expect(new Map(rows.map(([start, count]) => [start, count]))).toEqual(
      new Map(counted.filter(([, count]) => count > 0)),
    );
    expect(columnSum(await askReport(server, 'generated', period), 'count')).toBe(messagesInAll);
  }
  expect(columnSum(await askReport(server, 'top', 'min'), 'count')).toBe(messagesInAll);
  expect(columnSum(await askReport(server, 'sizes', 'min'), 'bytes')).toBe(32 * messagesInAll);
  const known = await ask(server.adminUrl, '/v1/reports');
  expect(known.map(({ name, running, runs }) => [name, running, runs?.length])).toEqual(
    ['generated', 'lag', 'sizes', 'top'].map((name) => [name, true, 4]),
  );
});

test('split, endless, large and chunked bodies count exactly if they are answered', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder(), flags: builtIn });
  const send = (pieces: readonly (string | Buffer)[], waitMs = 0): Promise<string> =>
    new Promise((resolve) => {
      let answer = '';
      const socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true });
      socket.setEncoding('latin1').on('data', (text) => {
        answer += text;
        if (answer.includes('\r\n\r\n')) socket.end();
      });
      socket.once('error', () => resolve(answer)).once('close', () => resolve(answer));
      void (async () => {
        for (const piece of pieces) {
          socket.write(piece);
          await setTimeout(30);
        }
        if (waitMs > 0) {
          await setTimeout(waitMs);
          socket.destroy();
        }
      })();
    });
  const head = 'POST / HTTP/1.1\r\nHost: reto3\r\n';
  const whole = stamp(Date.now());
  const ok = /^HTTP\/1\.1 200 /;
  expect(
    await send([`${head}Content-Length: 32\r\n\r\n`, whole.slice(0, 9), whole.slice(9)]),
  ).toMatch(ok);
  const chunked = 'Transfer-Encoding: chunked\r\n\r\n';
  expect(await send([`${head}${chunked}`, `20\r\n${whole}\r\n`, '0\r\n\r\n'])).toMatch(ok);
  const large = Buffer.alloc(1_000_000, 'x');
  expect(await send([`${head}Content-Length: ${large.length}\r\n\r\n`, large])).toMatch(ok);
  const tooLarge = `f4241\r\n${'x'.repeat(1_000_001)}\r\n0\r\n\r\n`;
  for (const pieces of [
    [`${head}Content-Length: 1000001\r\n\r\n`, large, 'x'],
    [`${head}${chunked}`, tooLarge],
  ])
    expect(await send(pieces)).not.toMatch(ok);
  for (const method of ['GET', 'HEAD', 'DELETE'])
    expect(await send([`${method} /p?q=1 HTTP/1.1\r\nHost: reto3\r\n\r\n`])).toMatch(ok);
  // It is never answered, so it does not count; neither do bodies that are too large.
  expect(await send([`${head}Content-Length: 32\r\n\r\n`, whole.slice(0, 9)], 100)).toBe('');

  const { messagesSinceStart } = await askInfo(server.adminUrl);
  const sizes = await askReport(server, 'sizes', 'min');
  const seen = [columnSum(sizes, 'messages'), columnSum(sizes, 'bytes')];
  expect([messagesSinceStart, ...seen]).toEqual([6, 6, 2 * 32 + large.length]);
  expect(columnSum(await askReport(server, 'generated', 'min'), 'count')).toBe(2);
  const top = await askReport(server, 'top', 'min');
  expect(top.rows.map(([, path, count]) => [path, count])).toEqual([
    ['/', 3],
    ['/p', 3],
  ]);
});

test('kill -9 loses as much of a report as of the counts, or one flush interval more', async () => {
  const dataDir = await temporaryFolder();
  const flags = [...builtIn, '--workers', '2'];
  let lost = 0;
  let server = await Server.start({ dataDir, flags });
  for (let round = 0; round < 5; round++) {
    const before = columnSum(await askReport(server, 'sizes', 'min'), 'messages');
    const load = Load.start({
      port: server.port,
      generatedMs: Date.now(),
      connections: 4,
      depth: 4,
    });
    await waitUntil('the load runs', () => load.answered >= 2_000);
    const safe = load.answered;
    await untilFlushed(server, 3);
    // Kill at different moments of the flush interval.
    await setTimeout((round * 31) % 100);
    await server.kill();
    await load.done;
    server = await Server.start({ dataDir, flags });
    const kept = columnSum(await askReport(server, 'sizes', 'min'), 'messages') - before;
    // The third of these flushes writes the reports of the counts in the second.
    expect(kept).toBeGreaterThanOrEqual(safe);
    expect(kept).toBeLessThanOrEqual(load.sent);
    expect(columnSum(await askReport(server, 'generated', 'ms10'), 'count')).toBe(before + kept);
    lost += Math.max(0, load.answered - kept);
  }
  figure('kill -9 with reports: messages answered and not in the report, of 5 rounds', lost);
});

test('with --ack durable a report has every answered message, even after kill -9', async () => {
  const dataDir = await temporaryFolder();
  const flags = [...builtIn, '--ack', 'durable'];
  let answered = 0;
  let server = await Server.start({ dataDir, flags });
  for (let round = 0; round < 3; round++) {
    const load = Load.start({
      port: server.port,
      generatedMs: Date.now(),
      connections: 16,
      depth: 1,
    });
    const already = answered;
    await waitUntil('the load runs', () => load.answered >= 300 + round * 50);
    await server.kill();
    await load.done;
    answered += load.answered;
    expect(answered).toBeGreaterThan(already);
    server = await Server.start({ dataDir, flags });
    const kept = columnSum(await askReport(server, 'generated', 'ms10'), 'count');
    expect(kept).toBeGreaterThanOrEqual(answered);
    expect(kept).toBe(columnSum(await askReport(server, 'top', 'min'), 'count'));
    // Messages that were counted but not answered stay.
    answered = kept;
  }
});

describe('a report module', () => {
  test('runs from any folder, as docs/reports.md shows', async () => {
    const path = await moduleWith(methods, 'methods.mjs');
    expect(methods.trim().split('\n').length).toBeLessThanOrEqual(20);
    const dataDir = await temporaryFolder();
    const server = await Server.start({ dataDir, flags: ['--report', path, '--report', 'top'] });
    await fetch(`http://127.0.0.1:${server.port}/`, { method: 'POST' });
    await fetch(`http://127.0.0.1:${server.port}/`);
    await fetch(`http://127.0.0.1:${server.port}/`);
    const at = ['--url', server.adminUrl];
    const shown = await runCli(['report', 'methods', '--open', ...at]);
    expect(shown).toMatchObject({ code: 0, stderr: expect.stringMatching(partialNote) });
    const line = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.000, posts=(\d+), others=(\d+)$/gm;
    // The messages may be in one second or in two.
    const sums = { posts: 0, others: 0 };
    for (const [, posts, others] of shown.stdout.matchAll(line)) {
      sums.posts += Number(posts);
      sums.others += Number(others);
    }
    expect(sums).toEqual({ posts: 1, others: 2 });
    const csv = await runCli(['report', 'methods', 'min', '--open', '--format', 'csv', ...at]);
    expect(csv.stdout).toMatch(/^start,posts,others\n\d{4}-.*,1,2\n$/);
    const list = await runCli(['reports', ...at]);
    expect(list.stdout).toMatch(/^methods: How many messages were POSTs.*\n {2}running; since /);
    expect(list.stdout).toMatch(/^top: /m);

    await server.stop();
    const folder = ['--data-dir', dataDir];
    expect(await runCli(['report', 'methods', 'min', ...folder])).toMatchObject({ code: 1 });
    const stored = await runCli(['report', 'methods', 'min', '--report', path, ...folder]);
    expect(stored).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/posts=1, others=2\n$/),
    });
    expect((await runCli(['reports', ...folder])).stdout).toMatch(/ {2}stopped \d{4}-/);
  });

  test('is checked against the laws, as docs/reports.md shows', async () => {
    // Inside the clone, where Node.js finds both packages.
    const folder = await mkdtemp(
      fileURLToPath(new URL('../../node_modules/.laws-', import.meta.url)),
    );
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'laws.mjs'), laws);
    const run = async (report: string) => {
      await writeFile(join(folder, 'methods.mjs'), report);
      return spawnSync(process.execPath, [join(folder, 'laws.mjs')], { encoding: 'utf8' });
    };
    expect(await run(methods)).toMatchObject({ status: 0, stdout: '', stderr: '' });
    const broken = await run(methods.replace('a.posts + b.posts', 'a.posts'));
    expect(broken.status).toBe(1);
    expect(broken.stderr).toMatch(/report "methods" breaks a law: /);
  });

  test.each([
    [
      'throws',
      'add() { throw new Error("out of order"); }',
      /it failed on more than 1 of 100 messages, last: out of order/,
    ],
    ['grows without bound', 'add(sum) { sum.all = (sum.all ?? "") + "x".repeat(70000); }', /bytes/],
    [
      'is slow',
      'add() { for (const end = performance.now() + 40; performance.now() < end; ); }',
      /it is too slow: it took \d+ ms of \d+, want at most 25 % of a worker/,
    ],
    [
      'starts a promise that is rejected',
      'add() { void Promise.reject(new Error("out of order")); }',
      /a promise or timer that it started failed: out of order/,
    ],
    [
      'starts a timer that throws',
      'add() { setTimeout(() => { throw new Error("out of order"); }); }',
      /a promise or timer that it started failed: out of order/,
    ],
    [
      'starts a promise that is rejected where results are merged',
      'add() {}, decode() { void Promise.reject(new Error("out of order")); return {}; }, encode: () => new Uint8Array()',
      /a promise or timer that it started failed: out of order/,
    ],
  ])('that %s is switched off with one line, and counting continues', async (_, add, reason) => {
    const bad = methods.replace(/add\(sum, message\) \{.*?\n {2}\},/s, `${add},`);
    expect(bad).not.toBe(methods);
    const dataDir = await temporaryFolder();
    const flags = ['--report', await moduleWith(bad), '--report', 'sizes'];
    const server = await Server.start({ dataDir, flags });
    const load = Load.start({ port: server.port, connections: 4, depth: 1 });
    await waitUntil('it is switched off', () => /methods is switched off/.test(server.stderr));
    const answeredThen = load.answered;
    await waitUntil('requests are still answered', () => load.answered > answeredThen + 1_000);
    await load.stop();
    const lines = server.stderr.split('\n').filter((line) => line.includes('switched off'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/report methods is switched off: .*; counting continues/);
    expect(lines[0]).toMatch(reason);
    const [known] = await ask(server.adminUrl, '/v1/reports');
    expect(known).toMatchObject({ name: 'methods', running: false });
    expect(known?.runs?.at(-1)).toMatchObject({ off: expect.stringMatching(reason) });
    const { messagesSinceStart } = await askInfo(server.adminUrl);
    expect(messagesSinceStart).toBe(load.answered);
    expect(columnSum(await askReport(server, 'sizes', 'min'), 'messages')).toBe(load.answered);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });

  test('that starts a promise whose rejection names nobody is logged once, and continues', async () => {
    const failing = methods.replace(/add\(sum, message\) \{/, '$& void Promise.reject("lost");');
    expect(failing).not.toBe(methods);
    const flags = ['--report', await moduleWith(failing), '--workers', '2'];
    const server = await Server.start({ dataDir: await temporaryFolder(), flags });
    const load = Load.start({ port: server.port, connections: 4, depth: 1 });
    await waitUntil('a thousand requests are answered', () => load.answered > 1_000);
    await load.stop();
    expect(columnSum(await askReport(server, 'methods', 'min'), 'posts')).toBe(load.answered);
    expect((await askInfo(server.adminUrl)).messagesSinceStart).toBe(load.answered);
    const lines = server.stderr.split('\n').filter((line) => line.includes('lost'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /a promise or timer failed in a report \(methods\) or in reto3: .*lost.*; counting continues/,
    );
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });

  test.each([
    [
      'there is no such file',
      './nowhere.mjs',
      /there is no built-in report and no file of that name/,
    ],
    ['it cannot be read', 'export default {', /cannot load the report ".*": Unexpected end/],
    ['it exports nothing', 'export const a = 1;', /got no default export, want a report/],
    ['it is no report', 'export default { name: "a" };', /report "a": got summary undefined/],
    ['its name is taken', methods.replace("'methods'", "'lag'"), /belongs to a built-in report/],
  ])('is refused with one line and exit code 2 if %s', async (_, given, reason) => {
    const path = given.startsWith('./') ? given : await moduleWith(given);
    const dataDir = await temporaryFolder();
    const refused = await runCli(['serve', '--data-dir', dataDir, '--report', path]);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(reason);
    expect(refused.stderr.trim().split('\n')).toHaveLength(1);
  });
});

test('a missing report, or a period that a report does not keep, is refused', async () => {
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--report', 'top'],
  });
  const at = ['--url', server.adminUrl];
  const missing = await runCli(['report', 'lag', ...at]);
  expect(missing).toMatchObject({ code: 1, stdout: '' });
  expect(missing.stderr).toMatch(
    /^reto3: got report "lag", want one of top \(.*\) \[RETO3_NO_REPORT\]\n$/,
  );
  const period = await runCli(['report', 'top', 'ms10', ...at]);
  expect(period).toMatchObject({ code: 2, stdout: '' });
  expect(period.stderr).toMatch(/want one that the report top keeps: min/);
  expect(await runCli(['report', 'top', ...at])).toMatchObject({ code: 4, stdout: '' });
});

test('--follow prints windows as they become final, each once', async () => {
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--report', 'sizes'],
  });
  const load = Load.start({ port: server.port, connections: 1, depth: 1 });
  const csv = ['--format', 'csv', '--url', server.adminUrl];
  const following = startCli(['report', 'sizes', 'sec', '--follow', ...csv]);
  await waitUntil('five seconds are printed', () => following.stdout.split('\n').length > 6);
  following.signal('SIGTERM');
  expect(await following.exited).toEqual({ code: 130, signal: null });
  await load.stop();
  const [header, ...lines] = following.stdout.trim().split('\n');
  expect(header).toBe('start,messages,bytes,mean,max');
  const starts = lines.map((line) => Date.parse(`${line.split(',', 1)[0]?.replace(' ', 'T')}Z`));
  for (const [index, start] of starts.entries())
    if (index > 0) expect(start - (starts[index - 1] ?? 0)).toBe(1_000);
});
