/** A replay of a server's archive gives the server's own windows. */
import { appendFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSegment } from '@reto3/archive/src/segment.ts';
import { alignUp } from '@reto3/core';
import { VirtualServer } from '@reto3/engine/testing';
import { expect, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { archiveInfo } from '../support/archive.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { send } from '../support/load.ts';
import { requires } from '../support/requirement.ts';
import { keepForever, Server } from '../support/server.ts';
import { SteadyLoad } from '../support/steady-load.ts';
import { runTsung } from '../support/tsung.ts';
import { waitUntil } from '../support/wait.ts';

const methods = `
import { defineReport } from 'reto3/report';
export default defineReport({
  name: 'methods', summary: 'POSTs', needs: 'head', columns: { posts: 'POSTs' },
  create: () => ({ posts: 0 }),
  add(sum, message) { if (message.method === 'POST') sum.posts++; },
  merge: (a, b) => ({ posts: a.posts + b.posts }),
  rows: (sum) => [sum],
});`;

/** Appends the last batch of an idle archive a second time; returns its number of messages. */
async function archiveTwice(dataDir: string): Promise<number> {
  const folder = join(dataDir, 'archive', 'segments');
  const path = join(folder, (await readdir(folder)).sort().at(-1) ?? '');
  const batch = readSegment(path).batches.at(-1);
  if (batch === undefined) throw new Error(`nothing is in ${path}`);
  await appendFile(path, batch.buffer);
  return batch.count;
}

async function archivedThrough(server: Server, timeMs: number): Promise<void> {
  await waitUntil('all earlier messages are archived', async () => {
    return (await archiveInfo(server)).archive.through > timeMs;
  });
}

test('a replay equals the counts and reports; a difference exits with 5', async () => {
  const dataDir = await temporaryFolder();
  const flags = ['--archive', '--report', 'sizes,lag,top,generated', ...keepForever];
  const server = await Server.start({ dataDir, flags });
  await send(server, 2_000);
  const { messagesInAll } = await askInfo(server.adminUrl);
  await server.stop();
  const folder = ['--data-dir', dataDir];
  const sound = await runCli(['audit', ...folder]);
  expect(sound.stdout).toMatch(
    new RegExp(
      `^archive  ok   ${messagesInAll} messages in \\d+ files, .*; 0 messages counted in`,
      'm',
    ),
  );
  expect(sound.code).toBe(0);
  for (const [report, period] of [
    ['count', 'ms10'],
    ['count', 'min'],
    ['sizes', 'ms10'],
    ['lag', 'min'],
    ['generated', 'ms10'],
    ['top', 'min'],
  ] as const) {
    const same = await runCli(['replay', report, period, '--diff', ...folder]);
    expect(same).toMatchObject({ code: 0, stdout: '' });
    expect(same.stderr).toMatch(
      /^reto3: (?:1 window of \w+ \w+ is stored as it is|(?!1 )\d+ windows of \w+ \w+ are stored as they are) replayed\n$/,
    );
  }
  const nowhere = await runCli(['replay', 'count', '--data-dir', join(dataDir, 'nowhere')]);
  expect(nowhere).toMatchObject({ code: 1, stdout: '' });
  expect(nowhere.stderr).toContain(`there is no archive in ${join(dataDir, 'nowhere', 'archive')}`);
  // A report that did not exist when the messages arrived.
  const path = join(await temporaryFolder(), 'methods.mjs');
  await writeFile(path, methods);
  const posts = await runCli(['replay', path, 'min', ...folder]);
  expect(posts).toMatchObject({ code: 0, stderr: '' });
  const sum = [...posts.stdout.matchAll(/posts=(\d+)/g)].reduce((all, [, n]) => all + Number(n), 0);
  expect(sum).toBe(messagesInAll);

  const without = await Server.start({ dataDir, flags: keepForever });
  await send(without, 300);
  await without.stop();
  const differ = await runCli([
    'replay',
    'count',
    'ms10',
    '--diff',
    '--from',
    '1h',
    '--to',
    '0ms',
    ...folder,
  ]);
  expect(differ.code).toBe(5);
  expect(differ.stderr).toMatch(/\d+ of \d+ windows of count ms10 differ/);
  // A reader that leaves early does not hide the differences, in any format.
  for (const format of ['text', 'csv', 'json', 'ndjson']) {
    const args = ['replay', 'count', 'ms10', '--diff', '--from', '1h', '--to', '0ms', ...folder];
    const wrapper = ['bash', '-c', 'exec 3> >(exit 0); wait $!; exec "$@" >&3', 'bash'];
    const unread = await runCli([...args, '--format', format], { wrapper });
    expect({ format, unread }).toEqual({ format, unread: { code: 5, stdout: '', stderr: '' } });
  }
  const lost = [...differ.stdout.matchAll(/side=stored, count=(\d+)/g)];
  expect(lost.reduce((all, [, n]) => all + Number(n), 0)).toBe(300);

  // Windows that retention deleted are not differences.
  const deleting = await VirtualServer.in(dataDir, Date.now());
  await deleting.coordinator.deleteBefore('ms10', alignUp(Date.now(), 60_000));
  await deleting.stop();
  const deleted = await runCli(['replay', 'count', 'ms10', '--diff', '--from', '1h', ...folder]);
  expect(deleted.stderr).toMatch(/nothing could be compared/);
  expect(deleted).toMatchObject({ code: 4, stdout: '' });
});

test('beside a server under load, a replay shows only real differences', async () => {
  const dataDir = await temporaryFolder();
  const server = await Server.start({ dataDir, flags: ['--archive', '--workers', '2'] });
  const load = SteadyLoad.start({ host: server.host, port: server.port, rate: 500 });
  const diff = ['replay', 'count', 'ms10', '--diff', '--data-dir', dataDir];
  const beside = [...diff, '--url', server.adminUrl];
  const { startedAt } = await archiveInfo(server);
  await archivedThrough(server, startedAt + 500);
  for (let round = 0; round < 3; round++) {
    const before = load.answered;
    const same = await runCli(beside);
    expect(same).toMatchObject({ code: 0, stdout: '' });
    expect(same.stderr).toMatch(
      /^reto3: \d+ windows of count ms10 are stored as they are replayed, up to [\d-]+ [\d:.]+\n$/,
    );
    expect(load.answered).toBeGreaterThan(before);
  }

  // A range beyond the end of the archive has nothing to compare, and is no mistake.
  const later = await runCli([...beside, '--from', '2100-01-01']);
  expect(later).toMatchObject({ code: 4, stdout: '' });
  expect(later.stderr).toMatch(/^reto3: nothing could be compared in that range, up to /);

  // The server at --url must own the folder.
  const other = await Server.start({ dataDir: await temporaryFolder() });
  const wrong = await runCli([...diff, '--url', other.adminUrl]);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain(`another server holds ${dataDir}`);
  await other.stop();

  await load.stop();
  await archivedThrough(server, Date.now());
  const invented = await archiveTwice(dataDir);
  const differ = await runCli([...beside, '--from', '0', '--format', 'csv']);
  expect(differ.stderr).toMatch(/\d+ of \d+ windows of count ms10 differ, up to/);
  expect(differ.code).toBe(5);
  const sum = { stored: 0, replayed: 0 };
  for (const [, side, count] of differ.stdout.matchAll(/,(stored|replayed),(\d+)$/gm))
    sum[side === 'stored' ? 'stored' : 'replayed'] += Number(count);
  expect(sum.replayed - sum.stored).toBe(invented);
  await server.stop();
});

requires('tsung')('replays a Tsung run as counted, window by window', async () => {
  const dataDir = await temporaryFolder();
  const server = await Server.start({ dataDir, flags: ['--archive'] });
  const { messages } = await runTsung(server.port, 3);
  await server.stop();
  const folder = ['--data-dir', dataDir];
  expect(await runCli(['replay', 'count', 'ms10', '--diff', ...folder])).toMatchObject({ code: 0 });
  const { stdout } = await runCli(['replay', 'count', 'sec', '--format', 'csv', ...folder]);
  const counts = stdout
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => Number(line.split(',')[1]));
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(messages);
});
