/** Replay over the archive of a whole server: the same numbers as it had live, window by window. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askInfo } from './support/api.ts';
import { runCli } from './support/cli.ts';
import { temporaryFolder } from './support/folder.ts';
import { Load } from './support/load.ts';
import { requires } from './support/requirement.ts';
import { Server } from './support/server.ts';
import { runTsung } from './support/tsung.ts';

const methods = `
import { defineReport } from 'reto3/report';
export default defineReport({
  name: 'methods', summary: 'POSTs', needs: 'head', columns: { posts: 'POSTs' },
  create: () => ({ posts: 0 }),
  add(sum, message) { if (message.method === 'POST') sum.posts++; },
  merge: (a, b) => ({ posts: a.posts + b.posts }),
  rows: (sum) => [sum],
});`;

async function send(server: Server, requests: number): Promise<void> {
  await Load.start({ port: server.port, connections: 4, depth: 2, requests }).done;
}

test('a replay says what was counted and reported, and a difference is exit code 5', async () => {
  const dataDir = await temporaryFolder();
  const flags = [
    '--archive',
    '--report',
    'sizes,lag,top,generated',
    '--retain-ms10',
    'forever',
    '--retain-sec',
    'forever',
  ];
  const server = await Server.start({ dataDir, flags });
  await send(server, 2_000);
  const { messagesInAll } = await askInfo(server.adminUrl);
  await server.stop();
  const folder = ['--data-dir', dataDir];
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
      /^reto3: \d+ windows of \w+ \w+ are stored as they are replayed\n$/,
    );
  }
  // A report that nobody thought of when the messages came.
  const path = join(await temporaryFolder(), 'methods.mjs');
  await writeFile(path, methods);
  const posts = await runCli(['replay', path, 'min', ...folder]);
  expect(posts).toMatchObject({ code: 0, stderr: '' });
  const sum = [...posts.stdout.matchAll(/posts=(\d+)/g)].reduce((all, [, n]) => all + Number(n), 0);
  expect(sum).toBe(messagesInAll);

  const without = await Server.start({
    dataDir,
    flags: ['--retain-ms10', 'forever', '--retain-sec', 'forever'],
  });
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
  const lost = [...differ.stdout.matchAll(/side=stored, count=(\d+)/g)];
  expect(lost.reduce((all, [, n]) => all + Number(n), 0)).toBe(300);
});

requires('tsung')('a Tsung run is replayed as it was counted, window by window', async () => {
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
