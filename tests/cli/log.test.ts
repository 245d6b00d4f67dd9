/** `--log`: windows of logs, without a server or a folder. */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { logFile, nginxLine } from '../support/log-lines.ts';
import { expectPeriodsAgree, parseLines, sumOf } from '../support/windows.ts';

/** Lines of nginx with $msec and $request_time: 600 requests in 6 s, each 5 ms long. */
function nginxLines(): string {
  const first = Date.parse('2016-05-28T11:11:11Z');
  return Array.from({ length: 600 }, (_, index) => nginxLine(first + 5 + index * 10)).join('');
}

test('a log has windows of all periods, and they agree', async () => {
  const log = await logFile(nginxLines());
  const read = async (period: string) => {
    const { code, stdout } = await runCli(['stats', period, '--from', '0', '--log', log]);
    expect(code).toBe(0);
    return parseLines(stdout);
  };
  const [ms10, sec, min] = [await read('ms10'), await read('sec'), await read('min')];
  expectPeriodsAgree(ms10, sec, min);
  expect(sumOf(min)).toBe(600);
  expect([...ms10.values()]).toEqual(Array.from({ length: 600 }, () => 1));
});

test('stderr says what was counted; stdout has only the windows', async () => {
  const log = await logFile(`${nginxLines()}2016/05/28 11:11:11 [error] 1#1: x\n`);
  const { stdout, stderr } = await runCli(['stats', 'sec', '--last', '1', '--log', log]);
  expect(stdout).toBe('2016-05-28 11:11:16.000, 100\n');
  expect(stderr).toBe(
    [
      `reto3: ${log}: nginx, text with $msec, counted by the start of each request, clock 1 ms; 601 lines = 600 messages + 1 skipped, 2016-05-28 11:11:11.000 to 2016-05-28 11:11:17.000\n`,
      `reto3: ${log}: skipped: 1 no request of this format\n`,
      `reto3: ${log}: line 601 has no request of this format: 2016/05/28 11:11:11 [error] 1#1: x\n`,
    ].join(''),
  );
});

test('bursts, whatif and export answer from logs, over their whole range by default', async () => {
  const text = nginxLines();
  const lines = text.split('\n');
  const logs = [
    '--log',
    await logFile(gzipSync(`${lines.slice(0, 300).join('\n')}\n`), 'a.log.gz'),
    '--log',
    await logFile(lines.slice(300).join('\n'), 'b.log'),
  ];
  const bursts = await runCli(['bursts', '--json', ...logs]);
  expect(JSON.parse(bursts.stdout)).toMatchObject({ messages: 600, windows: 600, uncounted: 0 });
  const whatIf = await runCli(['whatif', '--capacity', '200', '--json', ...logs]);
  expect(JSON.parse(whatIf.stdout)).toMatchObject({ messages: 600 });
  const exported = await runCli(['export', 'sec', ...logs]);
  expect(exported.stdout.trimEnd().split('\n')).toHaveLength(7);
});

test('a pattern names all its files, and a file counts once, however often it is named', async () => {
  const log = await logFile(nginxLines(), 'a.log');
  const folder = dirname(log);
  await writeFile(join(folder, 'b.log'), nginxLine(Date.parse('2016-05-28T11:11:12Z')));
  const logs = ['--log', join(folder, '*.log'), '--log', log, '--log', join(folder, '.', 'a.log')];
  const { stdout } = await runCli(['stats', 'min', ...logs]);
  expect(stdout).toBe('2016-05-28 11:11:00.000, 601\n');
  const bursts = await runCli(['bursts', '--who', '--json', ...logs]);
  expect(JSON.parse(bursts.stdout)).toMatchObject({ messages: 601 });
  const none = await runCli(['stats', '--log', join(folder, '*.txt')]);
  expect(none).toMatchObject({ code: 1, stdout: '' });
  expect(none.stderr).toContain('*.txt: there is no such file');
});

test('an empty range has a cure that helps for a log', async () => {
  const log = await logFile(nginxLines());
  const cure = '(widen the range; --from 0 takes everything) [RETO3_NO_DATA]';
  for (const args of [
    ['stats', '--from', '1h'],
    ['bursts', '--from', '1h'],
    // The log begins later.
    ['bursts', '--to', '2015-01-01'],
    ['whatif', '--capacity', '5', '--to', '2015-01-01'],
  ]) {
    const { code, stdout, stderr } = await runCli([...args, '--log', log]);
    expect({ args, code, stdout }).toEqual({ args, code: 4, stdout: '' });
    expect(stderr).toContain(cure);
  }
});

test('reads a log from stdin', async () => {
  const log = await logFile(nginxLines());
  const wrapper = ['sh', '-c', `exec "$0" "$@" < '${log}'`];
  const { stdout } = await runCli(['stats', 'min', '--log', '-'], { wrapper });
  expect(stdout).toBe('2016-05-28 11:11:00.000, 600\n');
});

test.each([
  ['RETO3_NO_DATA', 4, ['stats', 'ms10'], 'x - - [28/May/2016:11:11:11 +0000] "GET /" 200 1\n'],
  ['RETO3_NO_DATA', 4, ['stats'], ''],
  ['RETO3_LOG_UNKNOWN', 1, ['stats'], 'to be or not\n'],
  ['RETO3_LOG_UNREADABLE', 1, ['stats'], gzipSync(nginxLines()).subarray(0, -9)],
  ['RETO3_BAD_FLAG', 2, ['stats', '--log-format', 'none'], nginxLines()],
  ['RETO3_BAD_FLAG', 2, ['stats', '--data-dir', '.'], nginxLines()],
  ['RETO3_BAD_FLAG', 2, ['stats', '--cluster'], nginxLines()],
  ['RETO3_BAD_RANGE', 2, ['stats', '--follow'], nginxLines()],
] as const)('%s ends with exit code %i: %j', async (name, exit, args, content) => {
  const log = await logFile(content);
  const { code, stdout, stderr } = await runCli([...args, '--log', log]);
  expect({ code, stdout }).toEqual({ code: exit, stdout: '' });
  expect(stderr.trimEnd().split('\n')).toHaveLength(name === 'RETO3_NO_DATA' && content ? 2 : 1);
  expect(stderr).toContain(`[${name}]`);
});

test('refuses flags for reading a log without a log', async () => {
  const { code, stderr } = await runCli(['stats', '--zone', 'UTC']);
  expect(code).toBe(2);
  expect(stderr).toContain('got --zone without --log');
});

test('lists the formats', async () => {
  const { stdout } = await runCli(['formats']);
  expect(stdout).toMatch(
    /^haproxy +start +1 ms +haproxy, option httplog\n {2}192\.0\.2\.7:53332 \[/m,
  );
  const known = JSON.parse((await runCli(['formats', '--json'])).stdout);
  expect(known).toContainEqual(expect.objectContaining({ name: 'nginx', moment: 'end' }));
});

test('silence of years is a gap that costs nothing', async () => {
  const early = nginxLines().replaceAll('14644338', '10644338');
  const log = await logFile(early + nginxLines());
  const { stdout, stderr } = await runCli(['bursts', '--json', '--log', log]);
  expect(JSON.parse(stdout)).toMatchObject({ messages: 1_200, windows: 1_200 });
  expect(stderr).toContain('is silent for more than a day in 1 place');
});
