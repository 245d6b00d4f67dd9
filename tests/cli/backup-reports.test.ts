/** Stored reports survive a backup, its restore, and a repair. */
import { join } from 'node:path';
import { openDatabase, rowRange, Store } from '@reto3/engine';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { Server } from '../support/server.ts';

async function reportsIn(folder: string): Promise<string> {
  const answers: string[] = [];
  for (const [name, period] of [
    ['sizes', 'ms10'],
    ['sizes', 'min'],
    ['top', 'min'],
  ] as const) {
    const { code, stdout } = await runCli([
      'report',
      name,
      period,
      '--from',
      '0',
      '--data-dir',
      folder,
    ]);
    expect([name, period, code]).toEqual([name, period, 0]);
    answers.push(stdout);
  }
  return answers.join('\n');
}

async function folderWithReports(): Promise<string> {
  const dataDir = await temporaryFolder();
  const server = await Server.start({ dataDir, flags: ['--report', 'sizes,top'] });
  const load = Load.start({ port: server.port, connections: 2, depth: 4, requests: 2_000 });
  await load.done;
  await server.stop();
  return dataDir;
}

test('a backup contains the reports, and a restored folder answers the same', async () => {
  const dataDir = await folderWithReports();
  const folder = await temporaryFolder();
  const [file, restored] = [join(folder, 'counts.reto3'), join(folder, 'restored')];
  expect((await runCli(['backup', file, '--data-dir', dataDir])).code).toBe(0);
  expect((await runCli(['restore', file, '--data-dir', restored])).code).toBe(0);
  const before = await reportsIn(dataDir);
  expect(before).toMatch(/messages=2000, bytes=64000/);
  expect(await reportsIn(restored)).toBe(before);
});

test('a repair keeps the reports, and drops damaged rows', async () => {
  const dataDir = await folderWithReports();
  const before = await reportsIn(dataDir);
  expect((await runCli(['doctor', '--repair', '--data-dir', dataDir])).code).toBe(0);
  expect(await reportsIn(dataDir)).toBe(before);

  const store = await Store.open(() => openDatabase(dataDir));
  const snapshot = store.snapshot();
  const range = rowRange('top', 'min', 0, Date.now());
  for await (const [key, bytes] of snapshot.reports(range)) {
    const flipped = Uint8Array.from(bytes);
    flipped[5] = (flipped[5] ?? 0) ^ 1;
    await store.write([{ report: key, bytes: flipped }], { sync: true });
  }
  await snapshot.close();
  await store.close();
  const damaged = await runCli(['report', 'top', '--data-dir', dataDir]);
  expect(damaged).toMatchObject({ code: 1, stdout: '' });
  expect(damaged.stderr).toMatch(/cannot read report top from .*: its checksum does not match/);
  const repair = await runCli(['doctor', '--repair', '--data-dir', dataDir]);
  expect(repair.stdout).toMatch(/^dropped {2}!report!top\/min\/.*: its checksum does not match$/m);
  expect((await runCli(['report', 'top', '--data-dir', dataDir])).code).toBe(4);
  expect((await runCli(['report', 'sizes', '--data-dir', dataDir])).code).toBe(0);
});
