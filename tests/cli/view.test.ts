/** `reto3 view` shows logs in the dashboard until a signal, and leaves nothing behind. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli, startCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { logFile, nginxLine } from '../support/log-lines.ts';
import { expectPrivate } from '../support/private-files.ts';
import { waitUntil } from '../support/wait.ts';

const startMs = Date.parse('2016-05-28T11:11:11Z');

function lines(count: number): string {
  return Array.from({ length: count }, (_, index) => nginxLine(startMs + 5 + index * 10)).join('');
}

/** Starts a view; resolves with the address that it prints. */
async function startView(name: string, env: Readonly<Record<string, string>> = {}) {
  const running = startCli(['view', name], { env });
  await waitUntil('the view says its address', () => {
    if (!running.running) throw new Error(`cannot view: ${running.stderr}`);
    return running.stdout.includes('\n');
  });
  return { running, url: new URL(running.stdout.trim()) };
}

/** A folder for temporary files that only this test's view uses. */
async function emptyPlace() {
  const place = await temporaryFolder();
  return { env: { TMPDIR: place }, left: () => readdir(place), place };
}

test.each(['SIGINT', 'SIGTERM'] as const)('shows a log until %s', async (signal) => {
  const { env, left, place } = await emptyPlace();
  const log = await logFile(lines(600));
  const { running, url } = await startView(log, env);
  expect(url.hostname).toBe('127.0.0.1');
  const range = { from: startMs, to: startMs + 6_000 };
  expect(url.hash).toBe(`#from=${range.from}&to=${range.to}`);
  const page = await fetch(url);
  expect(await page.text()).toContain('<h1>reto3');
  const info = await (await fetch(new URL('/v1/info', url))).json();
  expect(info).toMatchObject({
    messagesInAll: 600,
    viewed: {
      ...{ source: 'access.log', format: 'nginx, text with $msec', moment: 'start' },
      ...{ resolutionMs: 1, ...range },
    },
  });
  const stats = await fetch(new URL(`/v1/stats/ms10?from=${range.from}&to=${range.to}`, url));
  expect(await stats.json()).toMatchObject({ counts: new Array(600).fill(1) });
  // What it imported may be as secret as the log.
  const made = await left();
  expect(made).toHaveLength(1);
  for (const name of made) await expectPrivate(join(place, name));
  // npx sends it twice.
  running.signal(signal);
  running.signal(signal);
  expect(await running.exited).toMatchObject({ code: 130 });
  expect(await left()).toEqual([]);
});

test('shows a folder as it is, and says that its clock ticks in seconds', async () => {
  const log = await logFile(lines(600).replaceAll(/ "-" "-" .*\n/g, '\n'));
  const folder = join(await temporaryFolder(), 'data');
  await runCli(['import', log, '--data-dir', folder]);
  const { running, url } = await startView(folder);
  await expectPrivate(folder);
  const info = await (await fetch(new URL('/v1/info', url))).json();
  expect(info).toMatchObject({
    messagesInAll: 600,
    moment: 'end',
    viewed: { source: folder, moment: 'end', resolutionMs: 1_000 },
  });
  const ms10 = await fetch(new URL(`/v1/stats/ms10?from=${startMs}&to=${startMs + 1_000}`, url));
  expect(ms10.headers.get('reto3-seconds-only')).toBe('true');
  running.signal('SIGTERM');
  await running.exited;
  expect((await runCli(['audit', '--data-dir', folder])).code).toBe(0);
});

test.each([
  ['RETO3_LOG_UNKNOWN', 1, 'to be or not\n'],
  ['RETO3_NO_DATA', 4, ''],
] as const)('%s leaves nothing behind', async (name, exit, content) => {
  const { env, left } = await emptyPlace();
  const { code, stdout, stderr } = await runCli(['view', await logFile(content)], { env });
  expect({ code, stdout }).toEqual({ code: exit, stdout: '' });
  expect(stderr).toContain(`[${name}]`);
  expect(await left()).toEqual([]);
});

test('without a folder for temporary files, the error says how to name one', async () => {
  const log = await logFile(lines(1));
  const { code, stderr } = await runCli(['view', log], { env: { TMPDIR: '/proc/none' } });
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^reto3: cannot make a temporary folder for the logs: ENOENT.* \(set TMPDIR to a folder that you may write to\) \[RETO3_FILE_UNWRITABLE\]\n$/,
  );
});
