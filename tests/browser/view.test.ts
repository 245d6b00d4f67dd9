/** `reto3 view`: the page shows a log's data, and says what it is. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { startCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { nginxLine } from '../support/log-lines.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';
import { expectAccessible } from './support/accessible.ts';
import { Dashboard, program } from './support/browser.ts';

const test = requires(program);
const startMs = Date.parse('2016-05-28T11:11:11Z');

/** One request every 10 ms, and 50 in one of these windows. */
const times = Array.from({ length: 600 }, (_, index) => startMs + index * 10).concat(
  new Array<number>(49).fill(startMs + 3_000),
);

const inMs = (at: number): string => ` ${(at / 1_000).toFixed(3)}`;
const inSeconds = (): string => '';

/** @param tail the part of a line after the user agent */
async function openView(
  tail: (at: number) => string,
  requests: readonly number[] = times,
): Promise<Dashboard> {
  const log = join(await temporaryFolder(), 'access.log');
  const lines = requests.map((at) => {
    const [, day, month, year, time] = new Date(at).toUTCString().split(' ');
    const stamp = `${day}/${month}/${year}:${time} +0000`;
    return `192.0.2.7 - - [${stamp}] "GET / HTTP/1.1" 200 1 "-" "curl/8.5.0"${tail(at)}\n`;
  });
  await writeFile(log, lines.join(''));
  const running = startCli(['view', log]);
  await waitUntil('the view says its address', () => {
    if (!running.running) throw new Error(`cannot view: ${running.stderr}`);
    return running.stdout.includes('\n');
  });
  const { origin, hash } = new URL(running.stdout.trim());
  return Dashboard.open(origin, hash);
}

test("shows a log at 10 ms, over the log's own range", async () => {
  const page = await openView(inMs);
  await page.untilText('peak', '50');
  expect(await page.number('messages')).toBe(times.length);
  expect(await page.text('chart-title')).toBe('Messages per 10 ms');
  expect(await page.text('viewed')).toBe(
    'access.log: nginx, text with $msec · counted by the end of each request',
  );
  expect(await page.heldRange()).toEqual({ from: startMs, to: startMs + 6_000 });
  await page.untilText('bursts-shown', / UTC/);
  await expectAccessible(page, 'a log');
});

test('says that a log ticks in seconds, and shows seconds instead of empty windows', async () => {
  const page = await openView(inSeconds);
  await page.untilText('viewed', / · 1 s clock, no 10 ms windows$/);
  await page.untilText('peak', '149');
  expect(await page.number('messages')).toBe(times.length);
  expect(await page.text('chart-title')).toBe('Messages per second');
  expect(await page.page.locator('#bursts').isVisible()).toBe(false);
});

test('its presets end at the end of the log, where nothing is live', async () => {
  const page = await openView(inMs);
  await page.untilText('peak', '50');
  expect(await page.page.locator('#state').isVisible()).toBe(false);
  expect(await page.text('view-name')).toBe('In view');
  await page.page.click('text="1 min"');
  await page.page.waitForURL(/#live=60000$/);
  await page.untilText('shown', /2016-05-28 11:11:11\.000 – 11:11:17\.000 UTC$/);
  expect(await page.number('messages')).toBe(times.length);
  // In minutes, the last one is there, too.
  await page.page.evaluate(`location.hash = '#from=${startMs - 86_400_000}&to=${startMs + 6_000}'`);
  await page.untilText('chart-title', 'Messages per minute');
  await page.untilText('messages', '649');
});

test('shows a log of one line', async () => {
  const page = await openView(inMs, [startMs]);
  await page.untilText('messages', '1');
  await page.untilText('peak', '1');
  expect(await page.heldRange()).toEqual({ from: startMs, to: startMs + 1_000 });
});

test('shows a log whose times are in the future, as after a mistake in the time zone', async () => {
  const ahead = Math.floor(Date.now() / 1_000) * 1_000 + 2 * 3_600_000;
  const page = await openView(
    inMs,
    times.map((at) => at - startMs + ahead),
  );
  await page.untilText('peak', '50');
  expect(await page.number('messages')).toBe(times.length);
  await page.untilText('bursts-shown', / UTC/);
});

test('says the range of a log that is longer than a view, and shows its end', async () => {
  const monthsMs = 150 * 86_400_000;
  const page = await openView(inSeconds, [startMs - monthsMs, ...times]);
  await page.untilText(
    'viewed',
    / · 2015-12-30 11:11:11 – 2016-05-28 11:11:17 UTC, at most 31 d in view$/,
  );
  await page.untilText('messages', '649');
  await page.untilText('messages-note', /^30 d .* not counted$/);
});

test('says which moment is counted in the logs that a server follows', async () => {
  const log = join(await temporaryFolder(), 'access.log');
  await writeFile(log, nginxLine(Date.now()));
  const server = await Server.start({ dataDir: await temporaryFolder(), flags: ['--tail', log] });
  const page = await Dashboard.open(server.adminUrl);
  await page.untilText('viewed', 'Logs are counted by the start of each request');
  expect(await page.page.locator('#live-tiles').isVisible()).toBe(true);
});
