/** Commands on a merger's folder, an archive, a backup, and other things in place of a folder. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openDatabase } from '@reto3/engine';
import { makeMergerFolder } from '@reto3/engine/testing';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { folderWithBlocks } from '../support/data-folder.ts';
import { nginxLine } from '../support/log-lines.ts';
import { parseLines, sumOf } from '../support/windows.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11);
const ports = ['--port', '0', '--admin-port', '0'];

/** All entries of a database. */
async function rowsIn(folder: string): Promise<string[]> {
  const database = await openDatabase(folder);
  try {
    const all = await database.iterator({ keyEncoding: 'hex', valueEncoding: 'hex' }).all();
    return all.map((entry) => entry.join(' '));
  } finally {
    await database.close();
  }
}

/** The data folder of a server that merges, stopped, and a log beside it. */
async function folders() {
  const dataDir = await folderWithBlocks(startMs);
  const merger = join(dataDir, 'cluster');
  await makeMergerFolder(merger, startMs);
  const log = join(dirname(dataDir), 'access.log');
  await writeFile(log, nginxLine(startMs));
  return { dataDir, merger, log, backup: join(dirname(dataDir), 'counts.reto3') };
}

test("each command refuses a merger's folder with one line, and changes nothing in it", async () => {
  const { dataDir, merger, log, backup } = await folders();
  const before = await rowsIn(merger);
  const wanted = `cannot open the data folder ${merger}: got a merger's folder, want a server's (give ${dataDir}, with --cluster to read the sum of all nodes; if it is damaged, move it away`;
  for (const words of [
    ['doctor', '--repair'],
    ['backup', backup],
    ['stats', 'min'],
    ['export', 'sec'],
    ['bursts'],
    ['audit'],
    ['reports'],
    ['import', log],
  ]) {
    const { code, stdout, stderr } = await runCli([...words, '--data-dir', merger]);
    expect({ words, code, stdout, stderr }).toMatchObject({ words, code: 1, stdout: '' });
    expect(stderr).toContain(wanted);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  }
  for (const words of [
    ['view', merger],
    ['serve', ...ports, '--data-dir', merger],
  ])
    expect(await runCli(words)).toMatchObject({ code: 1, stderr: expect.stringContaining(wanted) });
  const examined = await runCli(['doctor', ...ports, '--data-dir', merger]);
  expect(examined.code).toBe(5);
  expect(examined.stdout).toContain(`data     fail ${wanted}`);
  expect(await rowsIn(merger)).toEqual(before);
  expect((await readdir(dirname(dataDir))).sort()).toEqual(['access.log', 'folder']);
});

test('the cures for it work, and the doctor checks it with the folder around it', async () => {
  const { dataDir, merger, backup } = await folders();
  const sum = async (...flags: string[]) => {
    const { stdout } = await runCli(['stats', 'min', '--from', '0', ...flags]);
    return sumOf(parseLines(stdout));
  };
  expect(await sum('--cluster', '--data-dir', dataDir)).toBe(130 * 7);
  expect(await sum('--data-dir', dataDir)).toBe(200 * 7);
  const whole = await runCli(['doctor', ...ports, '--data-dir', dataDir]);
  expect(whole.stdout).toContain(`merger   ok   ${merger} opens`);
  await writeFile(join(merger, 'CURRENT'), 'damaged');
  const cure = /the merger fills a new one from the nodes/;
  const damaged = await runCli(['doctor', ...ports, '--data-dir', dataDir]);
  expect(damaged.code).toBe(5);
  expect(damaged.stdout).toMatch(/^merger {3}fail .*: the merger fills a new one from the nodes/m);
  expect((await runCli(['backup', backup, '--data-dir', dataDir])).stderr).toMatch(cure);
  // A merger's folder that is only a name is no reason to make no backup.
  const plain = await folderWithBlocks(startMs);
  await mkdir(join(plain, 'cluster'));
  expect(await runCli(['backup', backup, '--data-dir', plain])).toMatchObject({ code: 0 });
});

test('a backup in place of a folder, a folder in place of a backup', async () => {
  const { dataDir, log, backup } = await folders();
  expect((await runCli(['backup', backup, '--data-dir', dataDir])).code).toBe(0);
  for (const words of [
    ['stats', 'min'],
    ['doctor', '--repair'],
    ['import', log],
    ['serve', ...ports],
    ['restore', backup],
  ]) {
    const { code, stderr } = await runCli([...words, '--data-dir', backup]);
    expect({ words, code }).toEqual({ words, code: 1 });
    expect(stderr).toContain(`(it is a backup: run reto3 restore ${backup} --data-dir NEW`);
  }
  const into = join(dirname(dataDir), 'new');
  const refused = await runCli(['restore', dataDir, '--data-dir', into]);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain('it is a data folder (name a file that reto3 backup wrote)');
  const other = join(dataDir, 'archive', 'segments');
  await mkdir(other, { recursive: true });
  for (const words of [['import', log], ['serve', ...ports], ['stats']]) {
    const { stderr } = await runCli([...words, '--data-dir', join(dataDir, 'archive')]);
    expect(stderr).toContain(`(name the data folder above it, ${dataDir})`);
  }
  expect(await readdir(dirname(dataDir))).not.toContain('new');
  expect(await readdir(join(dataDir, 'archive'))).toEqual(['segments']);
});

test('a ~ that no shell has expanded makes no folder of that name', async () => {
  const { dataDir, log, backup } = await folders();
  expect((await runCli(['backup', backup, '--data-dir', dataDir])).code).toBe(0);
  for (const words of [
    ['import', log],
    ['restore', backup],
    ['serve', ...ports],
  ]) {
    const { code, stderr } = await runCli([...words, '--data-dir=~/reto3-test-none']);
    expect({ words, code }).toEqual({ words, code: 2 });
    expect(stderr).toContain('want a path with the home folder written out');
  }
});
