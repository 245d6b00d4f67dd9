/** `serve --tail`: a server counts what other programs log. */
import { createHash } from 'node:crypto';
import { appendFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FolderWriter } from '@reto3/engine';
import { expect, test } from 'vitest';
import { ask, askInfo, askStats } from '../support/api.ts';
import { runCli, startCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { nginxLine } from '../support/log-lines.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';

/** A line of a request that took no time. */
function line(timeMs: number, path = '/'): string {
  return nginxLine(timeMs, { path, durationMs: 0 });
}

async function untilCounted(server: Server, messages: number): Promise<void> {
  await waitUntil(`${messages} messages are counted`, async () => {
    return (await askInfo(server.adminUrl)).messagesInAll >= messages;
  });
  expect((await askInfo(server.adminUrl)).messagesInAll).toBe(messages);
}

test("waits for a log, counts by the log's own time, and the next server continues it", async () => {
  const dataDir = await temporaryFolder();
  const log = join(await temporaryFolder(), 'access.log');
  const flags = ['--tail', log];
  const server = await Server.start({ dataDir, flags });
  await waitUntil('the log is waited for', () => server.stderr.includes(`waiting for ${log}`));
  const startMs = 10 * Math.floor(Date.now() / 10) - 3_600_000;
  const first = Array.from({ length: 500 }, (_, index) => line(startMs + 7 * index)).join('');
  await writeFile(log, first);
  await untilCounted(server, 500);
  expect(server.stderr).toContain(
    `following ${log}: nginx, text with $msec, counted by the start of each request`,
  );
  // An hour ago no server was counting; only the log has these requests.
  const range = `from=${startMs - 1_000}&to=${startMs + 5_000}`;
  const { counts, starts } = await askStats(server.adminUrl, 'ms10', range);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(500);
  expect(starts[0]).toBe(startMs);
  expect(counts).toHaveLength(350);
  await server.kill();

  await appendFile(log, line(startMs + 3_500));
  await rename(log, `${log}.1`);
  await writeFile(log, line(startMs + 3_510));
  const next = await Server.start({ dataDir, flags });
  await untilCounted(next, 502);
  expect((await next.stop()).code).toBe(0);
  const audit = await runCli(['audit', '--data-dir', dataDir]);
  expect(audit).toMatchObject({ code: 0 });
});

test('every answer says which moment of the log is counted, once there is a message', async () => {
  const log = join(await temporaryFolder(), 'access.log');
  await writeFile(log, '');
  const flags = ['--tail', log];
  const server = await Server.start({ dataDir: await temporaryFolder(), flags });
  const { adminUrl } = server;
  expect(await askInfo(adminUrl)).not.toHaveProperty('moment');
  const before = await runCli(['stats', 'ms10', '--open', '--url', adminUrl]);
  expect(before.stderr).not.toContain('logs are');
  await writeFile(log, line(Date.now()));
  await untilCounted(server, 1);
  expect(await askInfo(adminUrl)).toMatchObject({ moment: 'start' });
  const note = 'reto3: logs are counted by the start of each request\n';
  for (const question of [['stats', 'ms10', '--open'], ['bursts', '--open'], ['audit']]) {
    const asked = [...question, '--url', adminUrl];
    expect((await runCli(asked)).stderr).toBe(note);
    const { stdout, stderr } = await runCli([...asked, '--json']);
    expect([JSON.parse(stdout).moment, stderr]).toEqual(['start', '']);
  }
  const following = startCli(['stats', 'ms10', '--follow', '--last', '1', '--url', adminUrl]);
  await waitUntil('the moment is said', () => following.stderr !== '');
  following.signal('SIGINT');
  await following.exited;
  expect(following.stderr).toBe(note);
});

test('requests and lines add up, and windows become final --tail-late later', async () => {
  const log = join(await temporaryFolder(), 'access.log');
  const dataDir = await temporaryFolder();
  const flags = ['--tail', `${log}=nginx`, '--tail-late', '5s'];
  await writeFile(log, line(Date.now()));
  const server = await Server.start({ dataDir, flags });
  expect(server.stderr).toContain('windows are final 5 s later (--tail-late)');
  await Load.start({ port: server.port, connections: 1, depth: 1, requests: 10 }).done;
  await appendFile(log, `${line(Date.now())}no line of nginx\n`);
  await untilCounted(server, 12);
  const { finalThrough } = await ask(server.adminUrl, '/v1/info');
  expect(Date.now() - finalThrough).toBeGreaterThanOrEqual(5_000);
  await waitUntil('the skipped line is said', () =>
    server.stderr.includes(`skipped a line of ${log}: no request of this format: no line of nginx`),
  );
  const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
  expect(metrics).toContain(`reto3_followed_lines_total{file="${log}"} 3`);
  expect(metrics).toContain(`reto3_followed_messages_total{file="${log}"} 2`);
});

test('a log whose clock ticks in seconds has no 10 ms windows', async () => {
  const log = join(await temporaryFolder(), 'access.log');
  await writeFile(log, 'x - - [28/May/2016:11:11:11 +0000] "GET / HTTP/1.1" 200 1\n'.repeat(7));
  const server = await Server.start({ dataDir: await temporaryFolder(), flags: ['--tail', log] });
  await untilCounted(server, 7);
  const from = Date.UTC(2016, 4, 28, 11, 11, 10);
  const { counts } = await askStats(server.adminUrl, 'sec', `from=${from}&to=${from + 5_000}`);
  expect(counts).toEqual([7]);
});

test.each([
  [['--tail', '/a=nginz'], /^reto3: --tail: there is no log format "nginz" \(want one of/],
  [['--tail', '-'], /^reto3: got --tail "-", want files: reto3 import - reads stdin/],
  [['--tail', '/a,/a'], /^reto3: got --tail "\/a,\/a", want each file once/],
  [['--tail', '/a', '--tail-zone', 'Mars'], /^reto3: --tail: .*Mars/],
  [['--tail', '/a', '--role', 'merge', '--nats', 'nats://127.0.0.1:1'], /want --role ingest/],
])('refuses %j', async (flags, message) => {
  const { code, stderr } = await runCli([
    ...['serve', '--port', '0', '--admin-port', '0', '--data-dir', await temporaryFolder()],
    ...flags,
  ]);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
  expect(stderr).toContain('[RETO3_BAD_SETTING]');
});

test('refuses the same file under two names', async () => {
  const folder = await temporaryFolder();
  const [log, link] = [join(folder, 'access.log'), join(folder, 'current.log')];
  await writeFile(log, line(Date.now()));
  await symlink(log, link);
  const { code, stderr } = await runCli([
    ...['serve', '--port', '0', '--admin-port', '0', '--data-dir', join(folder, 'data')],
    ...['--tail', log, '--tail', link],
  ]);
  expect(code).toBe(2);
  expect(stderr).toContain(`--tail: ${log} and ${link} are one file, want each file once`);
});

test('refuses a log whose import was interrupted, until it completes or the log is gone', async () => {
  const folder = await temporaryFolder();
  const [log, dataDir] = [join(folder, 'access.log'), join(folder, 'data')];
  const text = line(Date.now());
  await writeFile(log, text);
  const writer = await FolderWriter.open(dataDir);
  const head = { bytes: text.length, sha256: createHash('sha256').update(text).digest('hex') };
  const to = { end: head, offset: 0, lines: 0 };
  await writer.commit({ id: 'x', path: log, head, ...to, writing: { to, through: 60_000 } });
  await writer.close();
  const serve = ['serve', '--port', '0', '--admin-port', '0', '--data-dir', dataDir, '--tail', log];
  const cure = (file: string) =>
    `--tail: an import of ${log} was interrupted (run reto3 import ${file} into this data folder once more, to its end)`;
  const refused = await runCli(serve);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(cure(log));
  await rename(log, `${log}.1`);
  await writeFile(log, line(Date.now(), '/new'));
  expect((await runCli(serve)).stderr).toContain(cure(`${log}.1`));

  await rm(`${log}.1`);
  const server = await Server.start({ dataDir, flags: ['--tail', log] });
  await untilCounted(server, 1);
  expect(server.stderr).toContain(
    `an import of ${log} was interrupted, and the file that it read is gone: its messages from 1970-01-01 00:01:00.000 on are not counted`,
  );
});

test('reports a line of more than 1 MiB before it ends', async () => {
  const log = join(await temporaryFolder(), 'access.log');
  await writeFile(log, `${line(Date.now())}${'x'.repeat(3 << 20)}`);
  const server = await Server.start({ dataDir: await temporaryFolder(), flags: ['--tail', log] });
  await waitUntil('it is said', () =>
    server.stderr.includes(`skipped a line of ${log}: a length of more than 1 MiB"`),
  );
  const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
  expect(metrics).toContain(`reto3_followed_lines_total{file="${log}"} 2`);
  expect(metrics).toContain(`reto3_followed_messages_total{file="${log}"} 1`);
});
