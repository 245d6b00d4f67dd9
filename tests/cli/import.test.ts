/** `reto3 import`: the folder's content afterwards, for any log and any interruption. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { loadDuckDb, openDuckDb, sqlString } from '@reto3/archive/src/duckdb.ts';
import { formats } from '@reto3/sources';
import { expect, test } from 'vitest';
import { type Outcome, runCli, startCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { logFile, nginxLine } from '../support/log-lines.ts';
import { keepForever, Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';
import { expectPeriodsAgree, parseLines, sumOf } from '../support/windows.ts';

const startMs = Date.parse('2016-05-28T11:11:11Z');

/** Lines of nginx with `$msec` and `$request_time`. */
function lines(count: number, everyMs = 10, from = 0): string {
  return Array.from({ length: count }, (_, index) =>
    nginxLine(startMs + 5 + (from + index) * everyMs + ((index * 7_919) % 40)),
  ).join('');
}

/** The path of a folder beside the log; it does not exist yet. */
const folderBeside = (log: string): string => join(dirname(log), 'data');

async function statsOf(period: string, ...source: string[]) {
  const { code, stdout, stderr } = await runCli(['stats', period, '--from', '0', ...source]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return parseLines(stdout);
}

/** Imports these logs into the folder; fails, with the reason, if the command fails. */
async function importInto(folder: string, ...logs: string[]): Promise<Outcome> {
  const outcome = await runCli(['import', ...logs, '--data-dir', folder]);
  expect({ code: outcome.code, stderr: outcome.stderr }).toMatchObject({ code: 0 });
  return outcome;
}

/** The length and hash of all windows as they are printed: parsing millions takes a minute. */
async function printedOf(period: string, ...source: string[]) {
  const hash = createHash('sha256');
  let bytes = 0;
  const onStdout = (piece: Buffer): void => {
    bytes += piece.length;
    hash.update(piece);
  };
  const { code, stderr } = await runCli(['stats', period, '--from', '0', ...source], { onStdout });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return { bytes, sha256: hash.digest('hex') };
}

/** Asserts that the folder has these logs' windows in all periods, and passes an audit. */
async function expectHolds(folder: string, ...logs: string[]): Promise<void> {
  const named = logs.flatMap((log) => ['--log', log]);
  for (const period of ['ms10', 'sec', 'min']) {
    const wanted = await printedOf(period, ...named);
    expect(wanted.bytes).toBeGreaterThan(0);
    expect(await printedOf(period, '--data-dir', folder)).toEqual(wanted);
  }
  const { code, stdout } = await runCli(['audit', '--data-dir', folder]);
  expect({ code, stdout }).toMatchObject({ code: 0 });
}

test('a log imported many times is in the folder once', async () => {
  const log = await logFile(`${lines(3_000)}2016/05/28 11:11:11 [error] 1#1: x\n`);
  const folder = folderBeside(log);
  const first = await runCli(['import', log, '--data-dir', folder, '--json']);
  expect(JSON.parse(first.stdout)).toEqual({
    files: [
      {
        ...{ name: log, format: 'nginx', moment: 'start', resolutionMs: 1 },
        ...{ lines: 3_001, messages: 3_000, skipped: 1, known: 0 },
        ...{ from: startMs, to: startMs + 30_000 },
        ...{ fromTime: '2016-05-28T11:11:11.000Z', toTime: '2016-05-28T11:11:41.000Z' },
      },
    ],
    messages: 3_000,
    skipped: 1,
  });
  expect(first.stderr).toContain('counted by the start of each request, clock 1 ms; 3001 lines');
  await expectHolds(folder, log);
  const again = await importInto(folder, log);
  expect(again.stdout).toBe('');
  expect(again.stderr).toContain('3001 lines = 0 messages + 0 skipped + 3001 known');
  await appendFile(log, lines(500, 10, 3_000));
  await importInto(folder, log);
  await expectHolds(folder, log);
});

test('reads patterns, compressed logs and stdin', async () => {
  const place = await temporaryFolder();
  const folder = join(place, 'data');
  const [plain, packed] = [join(place, 'a.log'), join(place, 'a.log.1.gz')];
  await writeFile(plain, lines(300, 10, 300));
  await writeFile(packed, gzipSync(lines(300)));
  const { stderr } = await importInto(folder, join(place, 'a.log*'));
  expect(stderr.match(/300 lines = 300 messages/g)).toHaveLength(2);
  const wrapper = ['sh', '-c', `exec "$0" "$@" < '${plain}'`];
  const piped = await runCli(['import', '-', '--data-dir', folder], { wrapper });
  expect(piped.stderr).toContain('300 lines = 0 messages + 0 skipped + 300 known');
  await expectHolds(folder, plain, packed);
});

test('counts each window as DuckDB does', async () => {
  const log = await logFile(lines(50_000));
  const folder = folderBeside(log);
  await runCli(['import', log, '--at', 'end', '--data-dir', folder]);
  const found = [...(await statsOf('ms10', '--data-dir', folder))].filter(([, count]) => count > 0);
  const instance = await openDuckDb(await loadDuckDb());
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(
    `SELECT CAST(floor(CAST(regexp_extract(line, '([0-9.]+) [0-9.]+$', 1) AS DECIMAL(18, 3)) * 100) * 10 AS DOUBLE),
            CAST(count(*) AS DOUBLE)
     FROM read_csv(${sqlString(log)}, columns = {'line': 'VARCHAR'}, delim = '\\x01', quote = '', header = false)
     GROUP BY 1 ORDER BY 1`,
  );
  connection.closeSync();
  expect(found.length).toBeGreaterThan(10_000);
  expect(found).toEqual(reader.getRows().map((row) => row.map(Number)));
});

test('a log whose clock ticks in seconds has only seconds and minutes', async () => {
  const log = await logFile(lines(5_000).replaceAll(/ "-" "-" .*\n/g, '\n'));
  const folder = folderBeside(log);
  const seconds = await logFile(
    Array.from(
      { length: 90 },
      (_, second) =>
        `x - - [${new Date(startMs + second * 500)
          .toUTCString()
          .slice(5, 25)
          .replaceAll(' ', '/')
          .replace(/\/(?=\d\d:)/, ':')} +0000] "GET / HTTP/1.1" 200 1\n`,
    ).join(''),
  );
  await importInto(folder, log, seconds);
  const [sec, min] = [
    await statsOf('sec', '--data-dir', folder),
    await statsOf('min', '--data-dir', folder),
  ];
  expect(sec).toEqual(await statsOf('sec', '--log', log, '--log', seconds));
  expect([sumOf(sec), sumOf(min)]).toEqual([5_090, 5_090]);
  for (const asked of [['stats', 'ms10'], ['bursts']]) {
    const { code, stderr } = await runCli([...asked, '--data-dir', folder]);
    expect({ code, stderr }).toMatchObject({ code: 4 });
    expect(stderr).toContain('ticks in seconds');
  }
  expect((await runCli(['audit', '--data-dir', folder])).code).toBe(0);
  expect(
    (await runCli(['doctor', '--data-dir', folder, '--port', '0', '--admin-port', '0'])).code,
  ).toBe(0);
});

test('adds to a folder after its server was killed, but not while one runs', async () => {
  const log = await logFile(lines(300));
  const folder = folderBeside(log);
  const server = await Server.start({ dataDir: folder, flags: keepForever });
  const refused = await runCli(['import', log, '--data-dir', folder]);
  expect(refused.code).toBe(1);
  expect(refused.stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(refused.stderr).toContain('[RETO3_DATA_LOCKED]');
  for (let message = 0; message < 5; message++)
    await fetch(`http://${server.host}:${server.port}/`, { method: 'POST' });
  const after = await statsOf('min', '--url', server.adminUrl, '--open');
  expect(sumOf(after)).toBe(5);
  await server.stop();
  const next = await Server.start({ dataDir: folder, flags: keepForever });
  await next.kill();
  await importInto(folder, log);
  const min = await statsOf('min', '--data-dir', folder);
  expect(sumOf(min)).toBe(305);
  expectPeriodsAgree(
    await statsOf('ms10', '--data-dir', folder),
    await statsOf('sec', '--data-dir', folder),
    min,
  );
  const last = await Server.start({ dataDir: folder, flags: keepForever });
  await last.stop();
  expect((await runCli(['audit', '--data-dir', folder])).code).toBe(0);
  const known = await importInto(folder, log);
  expect(known.stderr).toContain('+ 300 known');
});

test('is exact in the end after repeated kills', async () => {
  const log = await logFile(lines(4_000, 15_000));
  const folder = folderBeside(log);
  const anchor = () => readFile(join(folder, 'ANCHOR'), 'utf8').catch(() => '');
  let killed = 0;
  for (let run = 0; run < 4; run++) {
    const before = await anchor();
    const running = startCli(['import', log, '--data-dir', folder]);
    await waitUntil('the import writes', async () => {
      return !running.running || (await anchor()) !== before;
    });
    if (running.running) killed++;
    running.signal('SIGKILL');
    await running.exited;
  }
  expect(killed).toBeGreaterThan(0);
  await importInto(folder, log);
  await expectHolds(folder, log);
});

const longAgo = lines(300);
const caddy = formats.find(({ name }) => name === 'caddy');
const soon = `x - - [28/May/2096:11:11:11 +0000] "GET / HTTP/1.1" 200 1 "-" "-" 3988437071.000 0.005\n`;

test.each([
  ['an empty log', '', 'RETO3_NO_DATA', 4, []],
  ['no text', Buffer.from([0, 1, 2, 3, 0]), 'RETO3_LOG_UNREADABLE', 1, []],
  ['no log', 'to be or not\n', 'RETO3_LOG_UNKNOWN', 1, []],
  ['a log that is cut off', gzipSync(longAgo).subarray(0, -9), 'RETO3_LOG_UNREADABLE', 1, []],
  ['a log of no such format', longAgo, 'RETO3_BAD_FLAG', 2, ['--log-format', 'none']],
] as const)(
  '%s ends with one line, and leaves no folder',
  async (_, content, name, exit, flags) => {
    const log = await logFile(content);
    const folder = folderBeside(log);
    for (const keep of [[], ['--keep']]) {
      const asked = ['import', log, '--data-dir', folder, ...flags, ...keep];
      const { code, stdout, stderr } = await runCli(asked);
      expect({ code, stdout }).toEqual({ code: exit, stdout: '' });
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      expect(stderr).toContain(`[${name}]`);
      await expect(readdir(folder)).rejects.toThrow('ENOENT');
    }
  },
);

test('reads a pipe until its writer closes it', async () => {
  const place = await temporaryFolder();
  const [log, pipe, folder] = [join(place, 'a.log'), join(place, 'pipe'), join(place, 'data')];
  await writeFile(log, longAgo);
  execFileSync('mkfifo', [pipe]);
  const running = startCli(['import', pipe, '--data-dir', folder]);
  await writeFile(pipe, longAgo);
  expect(await running.exited).toMatchObject({ code: 0 });
  expect(running.stderr).toContain('is a pipe: reading until its writer closes it');
  await expectHolds(folder, log);
  // Its content is known under any name.
  const again = await importInto(folder, log);
  expect(again.stderr).toContain('0 messages + 0 skipped + 300 known');
});

test('a file that cannot be read ends with one line, and leaves no folder', async () => {
  const folder = join(await temporaryFolder(), 'data');
  // Its first page is never mapped, so reading it fails even for root.
  const { code, stderr } = await runCli(['import', '/proc/self/mem', '--data-dir', folder]);
  expect({ code, stderr }).toMatchObject({ code: 1 });
  expect(stderr).toMatch(/^reto3: cannot read \/proc\/self\/mem: .*\[RETO3_LOG_UNREADABLE\]\n$/);
  await expect(readdir(folder)).rejects.toThrow('ENOENT');
});

test('refuses a folder or a missing file as a log', async () => {
  const place = await temporaryFolder();
  await mkdir(join(place, 'logs'));
  for (const name of ['logs', 'none.log']) {
    const { code, stderr } = await runCli([
      'import',
      join(place, name),
      '--data-dir',
      `${place}/data`,
    ]);
    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(stderr).toContain('[RETO3_LOG_UNREADABLE]');
  }
  expect((await runCli(['import', '--data-dir', place])).stderr).toContain('got no FILE');
});

test.each([
  ['times of the future', longAgo + soon, '1 message lies in the future'],
  ['a clock that steps back', lines(300, 10, 90_000) + longAgo, 'its times step back by up to'],
  ['two formats', longAgo + `${caddy?.example}\n`.repeat(40), 'has two formats'],
] as const)('%s are said, and counted where they belong', async (_, content, note) => {
  const log = await logFile(content);
  const folder = folderBeside(log);
  const { stderr } = await importInto(folder, log);
  expect(stderr).toContain(note);
  const min = await statsOf('min', '--data-dir', folder);
  expect(min).toEqual(await statsOf('min', '--log', log));
});
