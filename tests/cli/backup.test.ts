/** `reto3 backup` of a running server; `reto3 restore` brings back the same counts. */
import { mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { restore } from '@reto3/engine';
import { expect, test } from 'vitest';
import { askInfo, askStats } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { flipRow, folderWithBlocks, messages, serverWithMessages } from '../support/data-folder.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';
import { countsOf, parseLines, sumOf } from '../support/windows.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11);

async function allOf(folder: string): Promise<string[]> {
  const answers: string[] = [];
  for (const period of ['ms10', 'sec', 'min']) {
    const args = ['stats', period, '--from', '0', '--data-dir', folder];
    const { code, stdout } = await runCli(args);
    expect(code).toBe(0);
    answers.push(stdout);
  }
  return answers;
}

test('a backup under load has everything answered before it, and restores to the same', async () => {
  const { server } = await serverWithMessages();
  const folder = await temporaryFolder();
  const file = join(folder, 'counts.reto3');
  const load = Load.start({ port: server.port, connections: 2, depth: 4 });
  await waitUntil('the load runs', () => load.answered > 1_000);
  const before = messages + load.answered;
  const backup = await runCli(['backup', file, '--url', server.adminUrl]);
  expect(backup).toMatchObject({ code: 0, stdout: '' });
  expect(backup.stderr).toMatch(/^reto3: wrote .*: (?:1 row|(?!1 )\d+ rows), \d+ bytes\n$/);
  expect(await readdir(folder)).toEqual(['counts.reto3']);
  expect((await askInfo(server.adminUrl)).messagesInAll).toBeGreaterThanOrEqual(before);

  const restored = join(folder, 'restored');
  const restore = await runCli(['restore', file, '--data-dir', restored]);
  expect(restore).toMatchObject({ code: 0, stdout: '' });
  const counted = Number(/, (\d+) messages, audited\n$/.exec(restore.stderr)?.[1]);
  expect(counted).toBeGreaterThanOrEqual(before);
  const [ms10 = '', sec = '', min = ''] = await allOf(restored);
  expect([ms10, sec, min].map((text) => sumOf(parseLines(text)))).toEqual([
    counted,
    counted,
    counted,
  ]);
  const next = await Server.start({ dataDir: restored });
  expect(await askInfo(next.adminUrl)).toMatchObject({ messagesInAll: counted, boot: 2 });
  expect(sumOf(countsOf(await askStats(next.adminUrl, 'min', 'from=0&open=true')))).toBe(counted);
  expect((await runCli(['audit', '--url', next.adminUrl])).code).toBe(0);
});

test('a backup of a folder restores to the same bytes, but only into an empty folder', async () => {
  const dataDir = await folderWithBlocks(startMs);
  const folder = await temporaryFolder();
  const file = join(folder, 'counts.reto3');
  expect((await runCli(['backup', file, '--data-dir', dataDir])).code).toBe(0);
  expect(await runCli(['backup', '-', '--data-dir', dataDir])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('cannot write a backup to stdout (name a file'),
  });
  expect((await stat(file)).size).toBeLessThan(10_000);
  const restored = join(folder, 'restored');
  await mkdir(restored);
  expect((await runCli(['restore', file, '--data-dir', restored])).code).toBe(0);
  expect(await allOf(restored)).toEqual(await allOf(dataDir));

  const again = await runCli(['restore', file, '--data-dir', restored]);
  expect(again).toMatchObject({ code: 1, stdout: '' });
  expect(again.stderr).toMatch(/it is not empty/);
  expect((await runCli(['audit', '--data-dir', restored])).code).toBe(0);
});

test('an interrupted restore leaves no folder', async () => {
  const dataDir = await folderWithBlocks(startMs);
  const folder = await temporaryFolder();
  const file = join(folder, 'counts.reto3');
  await runCli(['backup', file, '--data-dir', dataDir]);
  const restored = join(folder, 'restored');
  // Interrupt it while it checks the file, and while it writes.
  for (const share of [0, 0.5]) {
    const controller = new AbortController();
    const onRead = (bytes: number, ofBytes: number): void => {
      if (bytes > share * ofBytes) controller.abort();
    };
    const given = restore(file, restored, startMs, onRead, controller.signal);
    await expect(given).rejects.toThrow(/aborted/);
    expect(await readdir(folder)).toEqual(['counts.reto3']);
  }
});

test('a damaged folder cannot be backed up, and a damaged backup cannot be restored', async () => {
  const dataDir = await folderWithBlocks(startMs);
  const folder = await temporaryFolder();
  const file = join(folder, 'counts.reto3');
  await runCli(['backup', file, '--data-dir', dataDir]);
  const good = await readFile(file);
  await flipRow(dataDir, 'sec');
  const refused = await runCli(['backup', file, '--data-dir', dataDir]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^reto3: cannot read sec from .*its checksum does not match/);
  expect(refused.stderr).toContain('[RETO3_BLOCK_DAMAGED]');
  // The earlier backup is still there, and nothing else.
  expect(await readFile(file)).toEqual(good);
  expect(await readdir(folder)).toEqual(['counts.reto3']);

  const restored = join(folder, 'restored');
  await truncate(file, good.length - 1);
  const cut = await runCli(['restore', file, '--data-dir', restored]);
  expect(cut).toMatchObject({ code: 1, stdout: '' });
  expect(cut.stderr).toMatch(/cannot read the backup: it ends too early/);
  await writeFile(
    file,
    Buffer.concat([good.subarray(0, 900), Buffer.alloc(9, 255), good.subarray(909)]),
  );
  expect((await runCli(['restore', file, '--data-dir', restored])).code).toBe(1);
  expect(await readdir(folder)).toEqual(['counts.reto3']);
});
