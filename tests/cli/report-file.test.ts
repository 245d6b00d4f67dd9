/** `reto3 report --output`: a report as a file, also as Parquet. */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Server } from '../support/server.ts';
import { partialNote } from '../support/stats.ts';

test('writes a report to a file atomically, also as Parquet, from a server and from a folder', async () => {
  const folder = await temporaryFolder();
  const dataDir = join(folder, 'data');
  const server = await Server.start({ dataDir, flags: ['--report', 'by:path'] });
  for (const path of ['/a', '/b', '/a']) await fetch(`http://127.0.0.1:${server.port}${path}`);
  const answers = join(folder, 'answers');
  const fileOf = (name: string): string => join(answers, name);
  await mkdir(answers);
  const run = (...flags: string[]) =>
    runCli(['report', 'by:path', 'min', '--open', '--url', server.adminUrl, ...flags]);

  // A row of a minute that is over was counted in part, which CSV and Parquet cannot mark.
  const quiet = { code: 0, stdout: '', stderr: expect.stringMatching(partialNote) };
  expect(await run('--format', 'csv', '--output', fileOf('rows.csv'))).toEqual(quiet);
  expect(await readFile(fileOf('rows.csv'), 'utf8')).toMatch(
    /^start,key,count,most\n\S+ \S+,\/a,2,2\n\S+ \S+,\/b,1,1\n$/,
  );
  expect(await run('--format', 'parquet', '--output', fileOf('rows.parquet'))).toEqual(quiet);

  expect(await run('--format', 'parquet')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('got --format parquet without a file to write'),
  });
  const printed = await run('--format', 'csv', '--output', '-');
  expect(printed.stdout).toBe(await readFile(fileOf('rows.csv'), 'utf8'));
  expect(await run('--follow', '--output', fileOf('endless'))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('got --follow and a file to write'),
  });
  const unknown = ['report', 'by:host', '--url', server.adminUrl, '--format', 'parquet'];
  expect(await runCli([...unknown, '--output', fileOf('unknown')])).toMatchObject({
    stderr: expect.stringContaining('[RETO3_NO_REPORT]'),
  });

  await server.stop();
  const stopped = ['report', 'by:path', 'min', '--data-dir', dataDir, '--format', 'parquet'];
  expect(await runCli([...stopped, '--output', fileOf('folder.parquet')])).toEqual(quiet);

  const log = join(folder, 'access.log');
  await writeFile(
    log,
    '192.0.2.7 - - [28/May/2016:11:11:11 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8"\n'.repeat(3),
  );
  const made = ['report', 'by:path', 'min', '--log', log, '--format', 'parquet'];
  const ofLog = await runCli([...made, '--output', fileOf('log.parquet')]);
  expect(ofLog).toMatchObject({ code: 0, stdout: '' });

  // No failure left a file.
  expect((await readdir(answers)).sort()).toEqual([
    'folder.parquet',
    'log.parquet',
    'rows.csv',
    'rows.parquet',
  ]);
  for (const name of ['folder.parquet', 'log.parquet', 'rows.parquet']) {
    expect((await readFile(fileOf(name))).toString('latin1', 0, 4)).toBe('PAR1');
    expect((await stat(fileOf(name))).mode & 0o777).toBe(0o600);
  }
});
