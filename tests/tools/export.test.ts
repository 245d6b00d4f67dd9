/** `reto3 export` writes a range, and a file whole or not at all. */
import { execFileSync } from 'node:child_process';
import { lstat, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { flipRow, folderWithBlocks, serverWithMessages } from './support.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11);

test('all windows of a folder as CSV, JSON and NDJSON, to stdout and to a file', async () => {
  const dataDir = await folderWithBlocks(startMs);
  const folder = await temporaryFolder();
  const file = join(folder, 'out');
  for (const format of ['csv', 'json', 'ndjson']) {
    const args = ['export', 'min', '--format', format, '--data-dir', dataDir];
    const { code, stdout, stderr } = await runCli(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const written = await runCli([...args, '--output', file]);
    expect(written).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await readFile(file, 'utf8')).toBe(stdout);
    if (format === 'csv')
      expect(stdout).toMatch(/^start,count\n2016-05-28 11:11:00\.000,420\n(?:.*\n){3}$/);
    if (format === 'json') expect(JSON.parse(stdout).counts).toEqual([420, 420, 420, 140]);
    if (format === 'ndjson') expect(stdout.split('\n')).toHaveLength(5);
  }
});

test('a range of a server', async () => {
  const { server } = await serverWithMessages();
  const { code, stdout } = await runCli([
    'export',
    'sec',
    '--open',
    '--from',
    '1m',
    '--url',
    server.adminUrl,
  ]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^start,count\n(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.000,\d+\n)+$/);
});

test('no file where a part is damaged, nothing was counted, or it cannot be written', async () => {
  const dataDir = await folderWithBlocks(startMs);
  const folder = await temporaryFolder();
  const file = join(folder, 'out');
  await writeFile(file, 'from before');
  const empty = ['--from', '2015-01-01', '--to', '2015-01-02'];
  const args = ['export', 'ms10', '--data-dir', dataDir, '--output', file];
  expect((await runCli([...args, ...empty])).code).toBe(4);
  await flipRow(dataDir, 'ms10');
  const damaged = await runCli(args);
  expect(damaged.code).toBe(1);
  expect(damaged.stderr).toMatch(/its checksum does not match/);
  expect(await readFile(file, 'utf8')).toBe('from before');
  expect(await readdir(folder)).toEqual(['out']);

  const nowhere = join(folder, 'none', 'out');
  const unwritable = await runCli(['export', 'sec', '--data-dir', dataDir, '-o', nowhere]);
  expect(unwritable.code).toBe(1);
  expect(unwritable.stderr).toMatch(/^reto3: cannot write .*ENOENT/);
  const text = await runCli(['export', 'sec', '--data-dir', dataDir, '--format', 'text']);
  expect(text.code).toBe(2);
  expect((await runCli(['export', 'hour', '--data-dir', dataDir])).code).toBe(2);
});

test('what is no file is not replaced, and a link leads to the file that is', async () => {
  const dataDir = await folderWithBlocks(startMs);
  const folder = await temporaryFolder();
  const [pipe, file, link] = [join(folder, 'pipe'), join(folder, 'out'), join(folder, 'link')];
  execFileSync('mkfifo', [pipe]);
  const args = ['export', 'min', '--format', 'csv', '--data-dir', dataDir, '--output'];
  const refused = await runCli([...args, pipe]);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain(`cannot write ${pipe}: it is there, and no file`);
  expect((await lstat(pipe)).isFIFO()).toBe(true);

  await writeFile(file, 'before');
  await symlink('out', link);
  expect(await runCli([...args, link])).toEqual({ code: 0, stdout: '', stderr: '' });
  expect((await lstat(link)).isSymbolicLink()).toBe(true);
  expect(await readFile(file, 'utf8')).toMatch(/^start,count\n/);
  expect(await readdir(folder)).toEqual(['link', 'out', 'pipe']);
});
