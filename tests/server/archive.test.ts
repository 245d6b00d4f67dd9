/** Archives of real servers: they add up, survive kill -9, and never delay counting. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, rename, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askInfo, askStats } from '../support/api.ts';
import {
  archivedWindows,
  archiveInfo,
  archiveSettled,
  missingIn,
  stallArchive,
  uncountedIn,
} from '../support/archive.ts';
import { runCli } from '../support/cli.ts';
import { figure } from '../support/figure.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { Server } from '../support/server.ts';
import { thisMinute } from '../support/stats.ts';
import { waitUntil } from '../support/wait.ts';
import { countsOf } from '../support/windows.ts';

function withoutZeros(counts: ReadonlyMap<number, number>): Map<number, number> {
  return new Map([...counts].filter(([, count]) => count > 0));
}

test('every message is in the archive, in the window that counted it', async () => {
  const dataDir = await temporaryFolder();
  const server = await Server.start({ dataDir, flags: ['--archive', '--workers', '2'] });
  const from = thisMinute();
  const load = Load.start({ port: server.port, connections: 16, depth: 4, requests: 50_000 });
  await load.done;
  const { archive, messagesSinceStart } = await archiveSettled(server);
  expect(messagesSinceStart).toBe(50_000);
  expect(archive.archived + archive.dropped).toBe(messagesSinceStart);
  expect(archive.dropped).toBe(0);

  const stored = countsOf(await askStats(server.adminUrl, 'ms10', `from=${from}&open=true`));
  expect(await archivedWindows(dataDir)).toEqual(withoutZeros(stored));
  const { code, stdout } = await runCli(['audit', '--url', server.adminUrl]);
  expect(stdout).toContain('50000 archived + 0 dropped + 0 waiting = 50000, want 50000 as counted');
  expect(code).toBe(0);

  // An audit finds a damaged end even while the server runs.
  const [segment = ''] = await readdir(join(dataDir, 'archive', 'segments'));
  const path = join(dataDir, 'archive', 'segments', segment);
  await truncate(path, (await stat(path)).size - 1);
  const broken = await runCli(['audit', '--url', server.adminUrl]);
  expect(broken.stdout).toMatch(/^archive {2}fail /m);
  expect(broken.code).toBe(5);
  expect((await server.stop()).code).toBe(0);
  const stopped = await runCli(['audit', '--data-dir', dataDir]);
  expect(stopped.stdout).toMatch(
    /^fail {5}archive .*incomplete batch, although the server stopped/m,
  );
  expect(stopped.stderr).toMatch(/the counts agree, but not the archive/);
  expect(stopped.code).toBe(5);
});

const rounds = 4;

test('kill -9 loses no archived message, and archives none that was not counted', async () => {
  const dataDir = await temporaryFolder();
  const flags = ['--archive', '--workers', '2'];
  const from = thisMinute();
  let server = await Server.start({ dataDir, flags });
  let largest = 0;
  let missingBefore = 0;
  for (let round = 0; round < rounds; round++) {
    const load = Load.start({ port: server.port, connections: 8, depth: 8 });
    await waitUntil('the load runs', () => load.answered >= 2_000 + round * 500);
    const safe = (await archiveInfo(server)).archive.messages;
    await server.kill();
    await load.done;
    server = await Server.start({ dataDir, flags });
    const inArchive = await archivedWindows(dataDir);
    const stored = countsOf(await askStats(server.adminUrl, 'ms10', `from=${from}&open=true`));
    // The archive never has more than was counted.
    expect(uncountedIn(inArchive, stored)).toBe(0);
    const missing = missingIn(inArchive, stored).messages;
    const total = [...inArchive.values()].reduce((sum, count) => sum + count, 0);
    expect(total).toBeGreaterThanOrEqual(safe);
    expect((await archiveInfo(server)).archive.messages).toBe(total);
    largest = Math.max(largest, missing - missingBefore);
    missingBefore = missing;
  }
  const { code, stdout } = await runCli(['audit', '--url', server.adminUrl]);
  expect({ code, stdout }).toMatchObject({ code: 0 });
  figure('archive, kill -9: rounds', rounds);
  figure(
    'archive, kill -9: largest number of messages that the counts have and it has not',
    largest,
  );
});

test('a copy that is made under load, and a later backup, agree', async () => {
  const place = await temporaryFolder();
  const dataDir = join(place, 'data');
  const flags = ['--archive', '--workers', '2'];
  const server = await Server.start({ dataDir, flags });
  const load = Load.start({ port: server.port, connections: 8, depth: 8 });
  await waitUntil('the load runs', () => load.answered >= 20_000);
  const { messages } = (await archiveInfo(server)).archive;
  const page = readFileSync(new URL('../../docs/archive.md', import.meta.url), 'utf8');
  const [, commands = ''] = /^## Back up\n.*?^```\n(.*?)^```$/ms.exec(page) ?? [];
  expect(commands).toContain('cp -a');
  spawnSync('bash', ['-c', commands], { cwd: place });
  const file = join(place, 'counts.reto3');
  expect(await runCli(['backup', file, '--url', server.adminUrl])).toMatchObject({ code: 0 });
  await server.kill();
  await load.done;

  const restored = join(place, 'restored');
  expect(await runCli(['restore', file, '--data-dir', restored])).toMatchObject({ code: 0 });
  await rename(join(place, 'copy'), join(restored, 'archive'));
  const again = await Server.start({ dataDir: restored, flags });
  expect((await archiveInfo(again)).archive.messages).toBeGreaterThanOrEqual(messages);
  await again.stop();
  const audit = await runCli(['audit', '--data-dir', restored]);
  expect({ code: audit.code, stdout: audit.stdout }).toMatchObject({ code: 0 });
});

test('a stalled archive affects neither counting nor answering, and drops are counted exactly', async () => {
  const dataDir = await temporaryFolder();
  const server = await Server.start({ dataDir, flags: ['--archive', '--workers', '1'] });
  const release = stallArchive(dataDir);
  const url = `http://127.0.0.1:${server.port}/`;
  const body = Buffer.alloc(64 << 10, 'x');
  const sent = 500;
  for (let index = 0; index < sent; index++) {
    const response = await fetch(url, { method: 'POST', body });
    expect(response.status).toBe(200);
  }
  const load = Load.start({ port: server.port, connections: 4, depth: 4, requests: 20_000 });
  await load.done;
  expect(load.answered).toBe(20_000);
  const { archive, messagesSinceStart } = await archiveInfo(server);
  expect(messagesSinceStart).toBe(20_000 + sent);
  expect(archive.archived).toBe(0);
  // 64 slots of 256 KiB hold three such bodies each, or fewer if a slot was handed over early.
  expect(archive.waiting).toBeGreaterThanOrEqual(64);
  expect(archive.waiting).toBeLessThanOrEqual(3 * 64);
  expect(archive.dropped).toBe(messagesSinceStart - archive.waiting);
  const counted = await askInfo(server.adminUrl);
  expect(counted.messagesInAll).toBe(messagesSinceStart);

  // With a reader, the thread continues.
  release();
  await waitUntil(
    'the thread continues',
    async () => (await archiveInfo(server)).archive.waiting === 0,
  );
  await server.kill();
});
