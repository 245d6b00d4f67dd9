/** `reto3 import --keep`, and commands that read a log's messages. */
import {
  appendFile,
  chown,
  copyFile,
  mkdir,
  readdir,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { pendingPath } from '@reto3/archive/src/layout.ts';
import { FolderWriter } from '@reto3/engine';
import { expect, test } from 'vitest';
import { runCli, startCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { nginxLine } from '../support/log-lines.ts';
import { expectPrivate } from '../support/private-files.ts';
import { waitUntil } from '../support/wait.ts';

const startMs = Date.parse('2016-05-28T11:11:11Z');

/** Lines of nginx with `$msec` and `$request_time`; every tenth request is for /slow. */
function lines(count: number, from = 0, everyMs = 10): string {
  return Array.from({ length: count }, (_, index) => {
    const path = index % 10 === 0 ? '/slow?q=1' : '/fast';
    const client = `192.0.2.${index % 3}`;
    return nginxLine(startMs + 5 + (from + index) * everyMs, { path, client });
  }).join('');
}

async function imported(count: number) {
  const place = await temporaryFolder();
  const [log, folder] = [join(place, 'access.log'), join(place, 'data')];
  await writeFile(log, lines(count));
  const keep = () => runCli(['import', log, '--data-dir', folder, '--keep']);
  expect(await keep()).toMatchObject({ code: 0 });
  return { log, folder, keep };
}

async function query(sql: string, ...source: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await runCli(['query', sql, '--json', ...source]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return JSON.parse(stdout);
}

async function expectExact(folder: string): Promise<void> {
  const source = ['--data-dir', folder];
  expect(await runCli(['replay', 'count', 'ms10', '--diff', ...source])).toMatchObject({ code: 0 });
  const audit = await runCli(['audit', ...source]);
  expect({ code: audit.code, stdout: audit.stdout }).toMatchObject({ code: 0 });
  expect(audit.stdout).toContain('; 0 messages counted in these hours are not archived');
}

test('other users cannot read an imported folder, or its messages', async () => {
  const { folder } = await imported(1_000);
  const names = await readdir(folder, { recursive: true });
  expect(names.join(' ')).toContain('archive');
  await expectPrivate(folder);
});

test('keeps each message once, with all that the log says of it', async () => {
  const { log, folder, keep } = await imported(1_000);
  await expectExact(folder);
  const paths =
    'SELECT path, query, method, status, duration_ms, source, count(*)::INT AS count FROM messages GROUP BY ALL ORDER BY count';
  const same = { method: 'GET', status: 200, duration_ms: 5, source: log };
  const rows = [
    { path: '/slow', query: 'q=1', ...same, count: 100 },
    { path: '/fast', query: '', ...same, count: 900 },
  ];
  expect(await query(paths, '--data-dir', folder)).toEqual(rows);
  expect(await query(paths, '--log', log)).toEqual(rows);
  await keep();
  await appendFile(log, lines(100, 1_000));
  await keep();
  await expectExact(folder);
  expect(await query('SELECT count(*)::INT AS n FROM messages', '--data-dir', folder)).toEqual([
    { n: 1_100 },
  ]);
});

test.runIf(process.platform === 'linux' && process.geteuid?.() === 0)(
  'gives the archive to the owner of the folder if root imports',
  async () => {
    const place = await temporaryFolder();
    const [log, folder, owner] = [join(place, 'access.log'), join(place, 'data'), 65_534];
    await writeFile(log, lines(100));
    await mkdir(join(folder, 'archive'), { recursive: true });
    await symlink(log, join(folder, 'archive', 'link'));
    await chown(folder, owner, owner);
    const { code } = await runCli(['import', log, '--data-dir', folder, '--keep']);
    expect(code).toBe(0);
    const names = (await readdir(folder, { recursive: true })).filter(
      (name) => !/link$/.test(name),
    );
    expect(names.filter((name) => name.endsWith('.parquet'))).toHaveLength(1);
    for (const name of names)
      expect([name, (await stat(join(folder, name))).uid]).toEqual([name, owner]);
    expect((await stat(log)).uid).toBe(0);
  },
);

test('warns for as long as messages of an earlier import are not kept', async () => {
  const place = await temporaryFolder();
  const [log, folder] = [join(place, 'access.log'), join(place, 'data')];
  await writeFile(log, lines(100));
  const run = (dataDir: string, ...flags: string[]) =>
    runCli(['import', log, '--data-dir', dataDir, ...flags]);
  const said = `${log}: the messages of 100 lines that were counted before are not kept; import it into a new --data-dir to keep them all`;
  await run(folder);
  expect((await run(folder, '--keep')).stderr).toContain(said);
  await appendFile(log, lines(50, 100));
  expect((await run(folder, '--keep')).stderr).toContain(said);
  expect((await run(folder, '--keep')).stderr).toContain('are not kept');
  expect(await query('SELECT count(*)::INT AS n FROM messages', '--data-dir', folder)).toEqual([
    { n: 50 },
  ]);
  const other = join(place, 'other');
  for (const from of [150, 200]) {
    expect((await run(other, '--keep')).stderr).not.toContain('are not kept');
    await appendFile(log, lines(50, from));
  }
  expect((await run(other, '--keep')).stderr).not.toContain('are not kept');
});

test.each([
  [['query', 'SELECT 1', '--from', 'never'], 2, 'got from "never", want a time'],
  [['query', 'SELECT 1', '--from', '1h', '--to', '2h'], 2, 'want from before to'],
  [['query', 'SELECT 1', '--format', 'parquet', '-o', '-'], 2, 'without a file to write'],
  [['query', 'SELECT 1', '-o', '/nowhere/rows'], 1, 'cannot write /nowhere/rows'],
  [['query', 'SELECT pfad FROM messages'], 2, 'cannot run the SQL: Binder Error'],
  [['query', 'DROP TABLE messages'], 2, 'got DROP, want SELECT'],
  [['report', 'by:path', '--last', '5'], 2, 'got --last for a report'],
  [['report', 'by:pfad'], 2, 'by:pfad'],
  [['report', 'sizes'], 2, 'it needs the body, and the messages of /nowhere/access.log have none'],
  [['report', 'by:path', '--every', '7'], 2, 'every "7"'],
  [['report', 'by:path', '-o', '/nowhere/rows'], 1, 'cannot write /nowhere/rows'],
  [['stats', 'sec', '--from', 'never'], 2, 'got from "never", want a time'],
  [['bursts', '--from', 'never'], 2, 'got from "never", want a time'],
])('%j is refused before a log is read', async (args, code, message) => {
  const refused = await runCli([...args, '--log', '/nowhere/access.log']);
  expect(refused).toMatchObject({ code, stdout: '' });
  expect(refused.stderr).toContain(message);
});

test('makes reports from kept messages, and from a log', async () => {
  const { log, folder } = await imported(1_000);
  const report = ['report', 'by:client', 'min', '--format', 'csv'];
  const wanted = await runCli([...report, '--log', log]);
  expect(wanted).toMatchObject({ code: 0 });
  expect(wanted.stdout.trim().split('\n')).toHaveLength(1 + 3);
  expect((await runCli([...report, '--data-dir', folder])).stdout).toBe(wanted.stdout);
  const last = await runCli([...report, '--log', log, '--last', '1']);
  expect(last).toMatchObject({ code: 2 });
  expect(last.stderr).toContain('got --last');
});

test('refuses reports of bodies, which a log does not have', async () => {
  const { log, folder } = await imported(100);
  for (const name of ['sizes', 'lag', 'generated'])
    for (const command of ['report', 'replay']) {
      const refused = await runCli([command, name, 'min', '--data-dir', folder]);
      expect(refused).toMatchObject({ code: 2, stdout: '' });
      expect(refused.stderr).toContain(
        `cannot replay report "${name}": it needs the body, and the messages of ${log} have none`,
      );
      expect(refused.stderr).toMatch(/such as by:path.*\[RETO3_BAD_REPORT\]/);
    }
  // In a range without imported messages there is nothing to refuse.
  const without = ['--from', '2017-01-01', '--data-dir', folder];
  const nothing = await runCli(['replay', 'sizes', 'min', ...without]);
  expect(nothing).toMatchObject({ code: 4, stdout: '' });
});

test('names who was behind a burst from kept messages', async () => {
  const { log, folder } = await imported(1_000);
  const bursts = ['bursts', '--rise', '1', '--from', '0', '--who'];
  const ofFolder = await runCli([...bursts, 'client', '--json', '--data-dir', folder]);
  const ofLog = await runCli([...bursts, 'client', '--json', '--log', log]);
  expect(JSON.parse(ofFolder.stdout)).toEqual(JSON.parse(ofLog.stdout));
  const agent = await runCli([...bursts, 'header:user-agent', '--log', log]);
  expect(agent.stderr).toContain('[RETO3_NO_DATA]');
});

test('messages are as exact as counts after repeated kills', async () => {
  const place = await temporaryFolder();
  const [log, folder] = [join(place, 'access.log'), join(place, 'data')];
  // 17 hours make eight commits, and a file per hour.
  await writeFile(log, lines(2_000, 0, 30_000));
  let killed = 0;
  for (const stage of ['segments', 'ANCHOR', 'date=2016-05-28']) {
    const running = startCli(['import', log, '--data-dir', folder, '--keep']);
    await waitUntil(`the import has made ${stage}`, async () => {
      const names = await readdir(folder, { recursive: true }).catch(() => []);
      return !running.running || names.some((name) => name.endsWith(stage));
    });
    if (running.running) killed++;
    running.signal('SIGKILL');
    await running.exited;
  }
  expect(killed).toBeGreaterThan(0);
  await runCli(['import', log, '--data-dir', folder, '--keep']);
  await expectExact(folder);
});

test('a repair takes no messages of an interrupted import for counted ones', async () => {
  const { folder, keep } = await imported(100);
  const writer = await FolderWriter.open(folder);
  const write = await writer.nextWrite();
  await writer.close();
  const archive = join(folder, 'archive');
  const names = await readdir(archive, { recursive: true });
  const kept = names.find((name) => name.endsWith('.parquet')) ?? '';
  const hour = Date.parse('2016-05-28T11:00Z');
  // As if an import of the same lines had been killed before it was counted.
  const pending = pendingPath({ sequence: 2, hour, messages: 100, write });
  await copyFile(join(archive, kept), join(archive, pending));
  expect(await runCli(['doctor', '--repair', '--data-dir', folder])).toMatchObject({ code: 0 });
  expect(await keep()).toMatchObject({ code: 0 });
  await expectExact(folder);
});

test('an unreadable log leaves neither messages nor a folder', async () => {
  const place = await temporaryFolder();
  const log = join(place, 'none.log');
  await writeFile(log, 'to be or not\n');
  expect(await runCli(['import', log, '--data-dir', join(place, 'data'), '--keep'])).toMatchObject({
    code: 1,
  });
  expect(await readdir(place)).toEqual(['none.log']);
  const env = { TMPDIR: place };
  expect(await runCli(['query', 'SELECT 1', '--log', log], { env })).toMatchObject({ code: 1 });
  expect(await readdir(place)).toEqual(['none.log']);
});
