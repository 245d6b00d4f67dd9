/** `reto3 stats --data-dir` answers without a server, as a server on that folder would. */
import { expect, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { folderWithMessages, messages, serverWithMessages } from '../support/data-folder.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Server } from '../support/server.ts';
import { thisMinute, untilFinal, untilFlushed } from '../support/stats.ts';
import { expectPeriodsAgree, parseLines, sumOf } from '../support/windows.ts';

test('a folder gives the same bytes as its server, in every format', async () => {
  const from = thisMinute();
  const { server, dataDir } = await serverWithMessages();
  // The end is exclusive, and a message may have arrived in this very millisecond.
  const to = Date.now() + 1;
  await untilFinal(server, to);
  const range = ['--from', String(from), '--to', String(to)];
  const asked = ['text', 'csv', 'ndjson'].map((format) => ['ms10', ...range, '--format', format]);
  const answers: string[] = [];
  for (const args of asked) {
    const { stdout, code } = await runCli(['stats', ...args, '--url', server.adminUrl]);
    expect(code).toBe(0);
    answers.push(stdout);
  }
  expect(sumOf(parseLines(answers[0] ?? ''))).toBe(messages);
  await server.stop();
  for (const [index, args] of asked.entries()) {
    const outcome = await runCli(['stats', ...args, '--data-dir', dataDir]);
    expect(outcome).toEqual({ code: 0, stderr: '', stdout: answers[index] });
  }
});

test('all windows of a folder are final: the last minute is there, and periods agree', async () => {
  const dataDir = await folderWithMessages();
  const read = async (period: string) => {
    const { stdout } = await runCli(['stats', period, '--from', '0', '--data-dir', dataDir]);
    return parseLines(stdout);
  };
  const [ms10, sec, min] = [await read('ms10'), await read('sec'), await read('min')];
  expectPeriodsAgree(ms10, sec, min);
  expect(sumOf(min)).toBe(messages);
  const json = await runCli(['stats', 'sec', '--json', '--data-dir', dataDir]);
  expect(JSON.parse(json.stdout)).toMatchObject({ finalThrough: Math.max(...sec.keys()) + 1_000 });
});

test('reads the journal of a killed server, and keeps it for the next server', async () => {
  const { server, dataDir } = await serverWithMessages();
  await untilFlushed(server);
  await server.kill();
  for (let time = 0; time < 2; time++) {
    const { stdout } = await runCli(['stats', 'min', '--data-dir', dataDir]);
    expect(sumOf(parseLines(stdout))).toBe(messages);
  }
  const next = await Server.start({ dataDir });
  expect((await askInfo(next.adminUrl)).messagesInAll).toBe(messages);
});

test('refuses a folder in use, an empty folder, and --follow on a folder', async () => {
  const { server, dataDir } = await serverWithMessages();
  const held = await runCli(['stats', 'sec', '--data-dir', dataDir]);
  expect(held).toMatchObject({ code: 1, stdout: '' });
  expect(held.stderr).toMatch(/another server holds it \(ask that server instead/);
  expect((await askInfo(server.adminUrl)).messagesInAll).toBe(messages);

  const empty = await runCli(['stats', 'sec', '--data-dir', await temporaryFolder()]);
  expect(empty).toMatchObject({ code: 1, stdout: '' });
  expect(empty.stderr).toMatch(/it holds no counts/);
  const followed = await runCli(['stats', 'sec', '--follow', '--data-dir', dataDir]);
  expect(followed).toMatchObject({ code: 2, stdout: '' });
});
