/** Every answer about logs says which moment of each request it counts. */
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { logFile, nginxLine } from '../support/log-lines.ts';

const startMs = Date.parse('2016-05-28T11:11:11Z');

/** nginx with `$msec` and `$request_time`. */
function lines(path = '/'): string {
  return Array.from({ length: 200 }, (_, index) =>
    nginxLine(startMs + 500 + index * 10, { path, durationMs: 250 }),
  ).join('');
}

/** Imports a log of its own, into its own folder by default. */
async function importedLog(at: string, folder?: string) {
  const log = await logFile(lines(`/${at}`));
  const into = folder ?? join(dirname(log), 'data');
  const outcome = await runCli(['import', log, '--at', at, '--data-dir', into]);
  expect({ code: outcome.code, stderr: outcome.stderr }).toMatchObject({ code: 0 });
  return { log, folder: into, stderr: outcome.stderr };
}

const questions = [
  ['stats', 'ms10'],
  ['stats', 'sec', '--chart'],
  ['export', 'ms10'],
  ['bursts'],
  ['bursts', '--format', 'csv'],
  ['whatif', '--capacity', '500'],
  ['audit'],
];

/** Questions with an answer as JSON. */
const inJson = questions
  .filter((question) => !question.includes('--chart') && !question.includes('--format'))
  .map((question) => [...question, '--json']);

test('after an import, every answer from the folder says which moment it counted', async () => {
  const { folder } = await importedLog('end');
  for (const question of questions) {
    const { code, stderr } = await runCli([...question, '--data-dir', folder]);
    const note = 'reto3: logs are counted by the end of each request\n';
    expect([question, code, stderr]).toEqual([question, 0, note]);
  }
  for (const question of inJson) {
    const { stdout, stderr } = await runCli([...question, '--data-dir', folder]);
    expect([question, JSON.parse(stdout).moment, stderr]).toEqual([question, 'end', '']);
  }
});

test('logs counted by different moments are said to be mixed, at once and later', async () => {
  const { folder } = await importedLog('end');
  const { stderr } = await importedLog('start', folder);
  const note = 'reto3: logs are counted by the start of some requests and by the end of others\n';
  expect(stderr.endsWith(`\n${note}`)).toBe(true);
  const asked = ['stats', 'ms10', '--data-dir', folder];
  expect((await runCli(asked)).stderr).toBe(note);
  expect(JSON.parse((await runCli([...asked, '--json'])).stdout).moment).toBe('mixed');
});

test('an import does not count a part of a log by another moment', async () => {
  const { log, folder } = await importedLog('end');
  const again = await runCli(['import', log, '--at', 'start', '--data-dir', folder]);
  expect(again).toMatchObject({
    code: 2,
    stderr: `reto3: got --at start, but earlier lines of ${log} are counted by the end of each request (leave out --at, or import the log into another --data-dir) [RETO3_BAD_FLAG]\n`,
  });
  const unnamed = await runCli(['import', log, '--data-dir', folder]);
  expect(unnamed.stderr).toContain('counted by the end of each request');
});

test('answers from logs say it in JSON, too, and that two logs differ', async () => {
  const log = await logFile(lines());
  for (const question of inJson.filter(([command]) => command !== 'audit')) {
    const { stdout } = await runCli([...question, '--log', log]);
    expect([question, JSON.parse(stdout).moment]).toEqual([question, 'start']);
  }
  const ends = await logFile(lines().replaceAll(' 0.250\n', '\n'));
  const { stderr } = await runCli(['stats', 'sec', '--log', log, '--log', ends]);
  expect(stderr).toMatch(
    /^reto3: logs are counted by the start of some requests and by the end of others$/m,
  );
});

/** Results as JMeter writes them: 17 requests start together, of which 11 end together. */
function results(): string {
  const columns =
    'timeStamp,elapsed,label,responseCode,responseMessage,threadName,success,bytes,grpThreads,allThreads,Latency,Hostname,Connect\n';
  const rows = Array.from({ length: 599 }, (_, request) => {
    const together = request % 17;
    const second = startMs + 1_000 * Math.floor(request / 17);
    const [from, to] = [second + (together % 10), second + (together < 11 ? 400 : 700)];
    return `${from},${to - from},Home,200,OK,Group 1-${together + 1},true,8735,17,17,9,host-1,1\n`;
  });
  return columns + rows.join('');
}

test('599 requests peak at 17 by their starts and at 11 by their ends', async () => {
  const log = await logFile(results(), 'results.jtl');
  for (const [at, peak] of [
    ['start', 17],
    ['end', 11],
  ] as const) {
    const { stdout } = await runCli(['bursts', '--json', '--log', log, '--at', at]);
    const { messages, moment, scales } = JSON.parse(stdout);
    expect({ messages, moment, peak: scales[0].peak.count }).toEqual({
      ...{ messages: 599, moment: at, peak },
    });
  }
});
