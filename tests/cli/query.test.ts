/** `reto3 query`: the examples of docs/queries.md, its formats, and its errors. */
import { readFileSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askInfo, askStats } from '../support/api.ts';
import { type Outcome, runCli, startCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { listen } from '../support/listen.ts';
import { Load } from '../support/load.ts';
import { Server } from '../support/server.ts';
import { StallingServer } from '../support/stalling-server.ts';
import { SteadyLoad } from '../support/steady-load.ts';
import { waitUntil } from '../support/wait.ts';
import { countsOf } from '../support/windows.ts';

const document = readFileSync(new URL('../../docs/queries.md', import.meta.url), 'utf8');
const questions = [...document.matchAll(/^### ([^\n]*)\n(?:[^\n]+\n)*?```sql\n(.*?)\n```$/gms)].map(
  ([, title = '', sql = '']) => ({ title, sql }),
);

const stamp = Date.UTC(2016, 4, 28, 11, 11, 11);
const loaded = 5_000;

/** A server with an archive of several kinds of messages. */
async function archivingServer(): Promise<Server> {
  const flags = ['--archive', '--workers', '2'];
  const server = await Server.start({ dataDir: await temporaryFolder(), flags });
  const url = `http://127.0.0.1:${server.port}`;
  await fetch(`${url}/a?b=1`);
  for (const path of ['/a', '/b', '/a'])
    await fetch(url + path, { method: 'POST', body: `value=${text(Date.now() - 250)}000` });
  // Two different bodies that are not text.
  for (const last of [0x00, 0x01])
    await fetch(`${url}/c`, { method: 'PUT', body: Buffer.from([0xff, last]) });
  const load = Load.start({ port: server.port, connections: 8, depth: 4, requests: loaded });
  await load.done;
  await waitUntil('everything is archived', async () => {
    return (await askInfo(server.adminUrl)).archive?.waiting === 0;
  });
  return server;
}

function text(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('T', ' ').replace('Z', '');
}

function run(server: Server, sql: string, ...flags: string[]): Promise<Outcome> {
  return runCli(['query', sql, '--url', server.adminUrl, ...flags]);
}

test('docs/queries.md asks ten questions', () => {
  expect(questions).toHaveLength(10);
});

/** Checks each answer against the messages sent. */
const answers: Readonly<Record<string, (answer: Record<string, unknown>[]) => void>> = {
  'How many messages came in each 10 ms?': (answer) =>
    expect(answer.reduce((sum, row) => sum + Number(row['count']), 0)).toBe(loaded + 6),
  'Is every counted message archived?': (answer) => expect(answer).toEqual([]),
  'Which paths are the busiest?': (answer) =>
    expect(answer.map(({ path, count }) => [path, count])).toEqual([
      ['/', loaded],
      ['/a', 3],
      ['/c', 2],
      ['/b', 1],
    ]),
  'How late do messages arrive, by their own time stamp?': ([row]) => {
    expect(row).toMatchObject({ count: loaded + 3 });
    expect(Number(row?.['min(ms)'])).toBeGreaterThanOrEqual(250);
    expect(Number(row?.['max(ms)'])).toBeGreaterThan(Date.now() - stamp - 3_600_000);
  },
  'What came in the busiest second?': (answer) =>
    expect(answer[0]).toMatchObject({ method: 'POST', path: '/' }),
  'When was there a burst, and how long was it?': (answer) =>
    expect(Number(answer[0]?.['ms'])).toBeGreaterThanOrEqual(10),
  'What were the longest pauses?': (answer) => expect(answer).toHaveLength(5),
  'Did somebody send the same thing twice?': (answer) =>
    expect(answer).toMatchObject([{ text: 'value=2016-05-28 11:11:11.012345', times: loaded }]),
  'How large are the bodies?': (answer) =>
    expect(answer).toMatchObject([
      { method: 'POST', count: loaded + 3, largest: 32, bytes: (loaded + 3) * 32 },
      ...[expect.anything(), expect.anything()],
    ]),
  'Do the workers share the work?': (answer) =>
    expect(answer.reduce((sum, row) => sum + Number(row['count']), 0)).toBe(loaded + 6),
};

test('answers each question as the page asks it', async () => {
  const server = await archivingServer();
  for (const { title, sql } of questions) {
    const check = answers[title];
    if (check === undefined) throw new Error(`nothing is known of the answer to "${title}"`);
    const { code, stdout, stderr } = await run(server, sql, '--json');
    expect({ title, code, stderr }).toEqual({ title, code: 0, stderr: '' });
    check(JSON.parse(stdout));
  }
  // Compare the first answer with the stored windows.
  const { stdout } = await run(server, questions[0]?.sql ?? '', '--format', 'csv');
  const [header, ...lines] = stdout.trimEnd().split('\n');
  expect(header).toBe('start,count');
  const counted = lines.map((line) => {
    const [start = '', count] = line.split(',');
    return [Date.parse(`${start.replace(' ', 'T')}Z`), Number(count)] as const;
  });
  const stored = countsOf(await askStats(server.adminUrl, 'ms10', 'from=1h&open=true'));
  expect(new Map(counted)).toEqual(new Map([...stored].filter(([, count]) => count > 0)));
});

test('an archive that begins later in the hour does not change the documented answer', async () => {
  const dataDir = await temporaryFolder();
  const before = await Server.start({ dataDir });
  await Load.start({ port: before.port, connections: 2, depth: 1, requests: 500 }).done;
  await before.stop();
  const server = await Server.start({ dataDir, flags: ['--archive'] });
  const load = SteadyLoad.start({ host: server.host, port: server.port, rate: 500 });
  await waitUntil(
    'some of it came more than a second after the first',
    () => load.answered > 1_500,
  );
  await load.stop();
  await waitUntil('everything is archived', async () => {
    const { archive } = await askInfo(server.adminUrl);
    return archive?.waiting === 0 && archive.archived >= load.answered;
  });
  const every = questions.find(({ title }) => title === 'Is every counted message archived?');
  const sql = every?.sql ?? '';
  expect(JSON.parse((await run(server, sql, '--json')).stdout)).toEqual([]);
  // Without the condition on the archive's start, the hour's earlier windows differ.
  const careless = sql.replace(/ {2}AND start >= .*\n/, '');
  expect(careless).not.toBe(sql);
  const differences: unknown[] = JSON.parse((await run(server, careless, '--json')).stdout);
  expect(differences.length).toBeGreaterThan(0);
});

test('messages and counts are from the same moment, even under load', async () => {
  const server = await archivingServer();
  const load = SteadyLoad.start({ host: server.host, port: server.port, rate: 1_000 });
  await waitUntil('some of it came long ago', () => load.answered >= 4_000);
  const every = questions.find(({ title }) => title === 'Is every counted message archived?');
  const { stdout } = await run(server, every?.sql ?? '', '--to', '2s', '--json');
  expect(JSON.parse(stdout)).toEqual([]);
  expect((await run(server, 'FROM messages', '--to', '2s', '--json')).stdout).not.toBe('[]\n');
});

const refused = [
  ["SELECT * FROM read_text('/etc/hostname')", 'Permission Error'],
  ['CREATE TABLE x AS SELECT 1', 'got CREATE, want SELECT'],
  ['SELECT 1; SELECT 2', 'got 2 statements, want one'],
  ['', 'got no statement, want one'],
  [' ; -- nothing', 'got no statement, want one'],
] as const;

/** Semicolons behind a statement, and semicolons that do not end one. */
const withSemicolons = ["SELECT ';' AS a; -- b;", ";SELECT ';' /* ; */ AS a ; ;"];

/** Answers like the server, but as if it ran on another machine, with an archive at the same path. */
async function elsewhere(server: Server): Promise<string> {
  const { archive, ...info } = await askInfo(server.adminUrl);
  const answer = JSON.stringify({ ...info, archive: { ...archive, holder: 'another/1' } });
  const other = createServer((_, response) => {
    response.setHeader('content-type', 'application/json').end(answer);
  });
  return `http://127.0.0.1:${await listen(other)}`;
}

test('refuses an archive at the path of that of a server on another machine', async () => {
  const dataDir = await temporaryFolder();
  const server = await Server.start({ dataDir, flags: ['--archive'] });
  await fetch(`http://127.0.0.1:${server.port}/`);
  await waitUntil('it is archived', async () => {
    return (await askInfo(server.adminUrl)).archive?.archived === 1;
  });
  const url = await elsewhere(server);
  const refusal = new RegExp(
    `^reto3: the archive in ${dataDir}/archive on this machine is not that of the server at ${url}: got holder \\S+/\\d+, want another/1 \\(run this on .* \\[RETO3_NO_ARCHIVE\\]\n$`,
  );
  const replay = ['replay', 'count', 'ms10', '--diff', '--data-dir', dataDir];
  for (const command of [['query', 'SELECT count(*) AS n FROM messages'], replay]) {
    const refused = await runCli([...command, '--url', url]);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(refusal);
  }
  // An archive that no server of this version has held has no name.
  await rm(join(dataDir, 'archive', 'holder'));
  const { code, stderr } = await run(server, 'SELECT 1');
  expect(code).toBe(1);
  expect(stderr).toMatch(/ got holder none \(ENOENT: /);
});

test('answers one SELECT over the archive, in every format', async () => {
  const server = await archivingServer();
  const sql = "SELECT 7 AS n, 'a,\"b\"' AS t, NULL AS nothing, '' AS empty";
  expect((await run(server, sql)).stdout).toBe(
    'n  t      nothing  empty\n-  -----  -------  -----\n7  a,"b"\n',
  );
  expect((await run(server, sql, '--format', 'csv')).stdout).toBe(
    'n,t,nothing,empty\n7,"a,""b""",,""\n',
  );
  const object = { n: 7, t: 'a,"b"', nothing: null, empty: '' };
  expect(JSON.parse((await run(server, sql, '--format', 'ndjson')).stdout)).toEqual(object);
  for (const statement of withSemicolons)
    expect(await run(server, statement)).toMatchObject({ code: 0, stdout: 'a\n-\n;\n' });
  // Times look as in reto3 stats; JSON has strings for values that are not numbers.
  const times =
    "SELECT TIMESTAMP '2016-05-28 11:11:11.01' AS t, TIMESTAMP '2016-05-28 11:11:11.000002' AS u";
  expect((await run(server, times, '--format', 'csv')).stdout).toBe(
    't,u\n2016-05-28 11:11:11.010,2016-05-28 11:11:11.000002\n',
  );
  const noNumbers = `SELECT 'nan'::DOUBLE AS n, '-inf'::FLOAT AS i, '"NaN' AS t`;
  expect(JSON.parse((await run(server, noNumbers, '--format', 'ndjson')).stdout)).toEqual({
    n: null,
    i: null,
    t: '"NaN',
  });
  const folder = await temporaryFolder();
  const file = join(folder, 'answer.json');
  // A statement that fails midway prints no answer, and leaves no file.
  const failing = "SELECT CASE range WHEN 90000 THEN error('boom') ELSE 'x' END FROM range(100000)";
  for (const format of ['csv', 'ndjson']) {
    expect(await run(server, failing, '--format', format, '--output', file)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^reto3: cannot run the SQL: Invalid Input Error: boom /),
    });
    expect(await run(server, failing, '--format', format)).toMatchObject({ code: 2 });
  }
  for (const format of ['csv', 'parquet']) {
    const nowhere = join(folder, 'nowhere', 'answer');
    const { code, stderr } = await run(server, sql, '--format', format, '--output', nowhere);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^reto3: cannot write \S+answer: ENOENT: /),
    });
  }
  const whole = await run(server, sql, '--json', '--output', file);
  expect(whole).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual([object]);
  // A table shows a part of a long answer, but a file never holds one.
  const long = 'SELECT range FROM range(1001)';
  const shown = await run(server, long);
  expect(shown).toMatchObject({
    code: 0,
    stderr: 'reto3: showing the first 1000 rows; --format csv prints all\n',
  });
  expect(shown.stdout.trimEnd().split('\n')).toHaveLength(2 + 1_000);
  const table = await run(server, long, '--output', join(folder, 'answer.txt'));
  expect(table).toMatchObject({ code: 2, stdout: '' });
  expect(table.stderr).toContain(
    'a table has at most 1000 rows (add --format csv, json, ndjson or',
  );
  const parquet = join(folder, 'answer.parquet');
  const written = await run(server, 'FROM messages', '--format', 'parquet', '--output', parquet);
  expect(written).toEqual({ code: 0, stdout: '', stderr: '' });
  expect((await readFile(parquet)).toString('latin1', 0, 4)).toBe('PAR1');
  expect(await readdir(folder)).toEqual(['answer.json', 'answer.parquet']);
  // They contain clients' data, so only their owner may read them.
  for (const path of [file, parquet]) expect((await stat(path)).mode & 0o777).toBe(0o600);
  // No rows are an answer, too: the exit code is 0, not 4.
  const none = await run(server, 'FROM messages WHERE worker > 100', '--json');
  expect(none).toEqual({ code: 0, stdout: '[]\n', stderr: '' });

  const count = 'SELECT count(*) AS n FROM messages';
  expect((await run(server, count, '--explain')).stdout).toContain('AGGREGATE');
  const { stdout } = await run(server, count, '--to', '1h', '--json');
  expect(JSON.parse(stdout)).toEqual([{ n: 0 }]);
  const backwards = await run(server, count, '--from', '1m', '--to', '2m');
  expect(backwards).toMatchObject({ code: 2, stdout: '' });
  expect(backwards.stderr).toMatch(/^reto3: got from "1m" and to "2m", want from before to /);

  for (const [statement, reason] of refused) {
    const { code, stdout: nothing, stderr } = await run(server, statement);
    expect({ statement, code, nothing }).toEqual({ statement, code: 2, nothing: '' });
    expect(stderr).toContain(reason);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  }

  const endless =
    'SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 7';
  const running = startCli(['query', endless, '--url', server.adminUrl]);
  await waitUntil('it is busy', async () => {
    const stat = await readFile(`/proc/${running.pid}/stat`, 'utf8');
    const fields = (stat.split(') ')[1] ?? '').split(' ');
    const userTicks = Number(fields[11]);
    return userTicks > 150;
  });
  running.signal('SIGINT');
  expect(await running.exited).toMatchObject({ code: 130 });
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s leaves no output file, not even a partial one',
  async (signal) => {
    const server = await archivingServer();
    const folder = await temporaryFolder();
    const endless = 'SELECT range FROM range(1000000000)';
    for (const format of ['csv', 'parquet']) {
      const output = ['--format', format, '--output', join(folder, 'answer')];
      const running = startCli(['query', endless, ...output, '--url', server.adminUrl]);
      await waitUntil('some of it is written', async () => {
        const [part] = await readdir(folder);
        return part !== undefined && (await stat(join(folder, part))).size > 0;
      });
      running.signal(signal);
      expect(await running.exited).toMatchObject({ code: 130 });
      expect(await readdir(folder)).toEqual([]);
    }
  },
);

test('the first Ctrl-C ends it, even while it waits for the counts', async () => {
  const archiving = await archivingServer();
  const info = await askInfo(archiving.adminUrl);
  const slow = await StallingServer.start({ '/v1/info': info });
  const running = startCli(['query', 'FROM counts', '--url', slow.url]);
  await slow.keepsWaiting();
  running.signal('SIGINT');
  expect(await running.exited).toMatchObject({ code: 130 });
  expect(running.stdout).toBe('');
});

/** Statements, and the periods that they read. */
const periodsRead = [
  ["SELECT DISTINCT period FROM counts WHERE period <> 'min'", ['ms10', 'sec']],
  ["SELECT DISTINCT period, date_trunc('min', start) AS m FROM counts", ['min', 'ms10', 'sec']],
  ["SELECT DISTINCT period FROM counts WHERE 'sec' = period", ['sec']],
  ["SELECT DISTINCT period FROM counts WHERE period LIKE 'm%'", ['min', 'ms10']],
  ['SELECT DISTINCT period FROM counts WHERE period = (SELECT $$sec$$)', ['sec']],
  ["SELECT DISTINCT period FROM Counts WHERE upper(period) = 'SEC'", ['sec']],
] as const;

test('counts have every period that a statement reads, and need no writable folder', async () => {
  const server = await archivingServer();
  // Like a container with a read-only root.
  const env = { TMPDIR: '/nowhere', HOME: '/nowhere' };
  for (const [sql, periods] of periodsRead) {
    const args = ['query', sql, '--format', 'ndjson', '--url', server.adminUrl];
    const { code, stdout, stderr } = await runCli(args, { env });
    const rows: { period: string }[] = stdout
      .trim()
      .split('\n')
      .map((row) => JSON.parse(row));
    const found = [...new Set(rows.map(({ period }) => period))].sort();
    expect({ sql, code, stderr, found }).toEqual({ sql, code: 0, stderr: '', found: periods });
  }
  const one = "SELECT sum(count) AS n FROM counts WHERE period <> 'min' AND period <> 'sec'";
  expect(JSON.parse((await run(server, one, '--json')).stdout)).toEqual([{ n: loaded + 6 }]);
  const described = await run(server, 'DESCRIBE counts', '--format', 'csv');
  expect(described.stdout).toMatch(/^start,TIMESTAMP,/m);
  expect(described.stdout).toMatch(/^count,BIGINT,/m);
});

test('now() is UTC in any time zone', async () => {
  const server = await archivingServer();
  const sql = `SELECT count(*) FILTER (WHERE arrived > now() - INTERVAL 1 HOUR)::INT AS within,
    count(*) FILTER (WHERE arrived > current_timestamp)::INT AS later,
    count(*) FILTER (WHERE arrived > localtimestamp)::INT AS later_too,
    count(*) FILTER (WHERE arrived::DATE > current_date)::INT AS tomorrow,
    epoch_ms(now()::TIMESTAMP) AS now, now() AS shown FROM messages`;
  for (const TZ of ['America/New_York', 'Asia/Tokyo', 'UTC']) {
    const args = ['query', sql, '--format', 'ndjson', '--url', server.adminUrl];
    const { stdout } = await runCli(args, { env: { TZ } });
    const { now, shown, ...counted } = JSON.parse(stdout);
    const all = { within: loaded + 6, later: 0, later_too: 0, tomorrow: 0 };
    expect({ TZ, counted }).toEqual({ TZ, counted: all });
    expect(Math.abs(now - Date.now())).toBeLessThan(60_000);
    expect(shown).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}(?:\d{3})?$/);
    expect(Math.abs(Date.parse(`${shown.replace(' ', 'T')}Z`) - Date.now())).toBeLessThan(60_000);
  }
});

test('reads a statement from its argument, from stdin or from a file', async () => {
  const server = await archivingServer();
  const file = join(await temporaryFolder(), 'question.sql');
  await writeFile(file, '-- a question\nSELECT 7 AS n;\n');
  const url = ['--url', server.adminUrl];
  const answer = { code: 0, stdout: 'n\n-\n7\n', stderr: '' };
  expect(await runCli(['query', '--file', file, ...url])).toEqual(answer);
  const wrapper = ['bash', '-c', `exec "$@" <'${file}'`, 'bash'];
  expect(await runCli(['query', '-', ...url], { wrapper })).toEqual(answer);
  for (const [args, reason] of [
    [['--file', `${file}.none`], 'cannot read the SQL from'],
    [['SELECT 1', '--file', file], 'got a statement and --file, want one of them'],
    [[], 'got no statement, want one'],
    [['-'], 'got no statement, want one'],
  ] as const) {
    const { code, stdout, stderr } = await runCli(['query', ...args, ...url]);
    expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' });
    expect(stderr).toContain(reason);
  }
});

test('reports a server without an archive', async () => {
  const other = await Server.start({ dataDir: await temporaryFolder() });
  const { code, stderr } = await runCli(['query', 'SELECT 1', '--url', other.adminUrl]);
  expect(code).toBe(1);
  expect(stderr).toContain('keeps no archive');
});
