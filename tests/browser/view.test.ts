/** `reto3 view`: the page shows a log's data, and says what it is. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { startCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { requires } from '../support/requirement.ts';
import { waitUntil } from '../support/wait.ts';
import { expectAccessible } from './support/accessible.ts';
import { Dashboard, program } from './support/browser.ts';

const test = requires(program);
const startMs = Date.parse('2016-05-28T11:11:11Z');

/** One request every 10 ms, and 50 in one of these windows. */
const times = Array.from({ length: 600 }, (_, index) => startMs + index * 10).concat(
  new Array<number>(49).fill(startMs + 3_000),
);

/** @param tail the part of a line after the user agent */
async function openView(tail: (at: number) => string): Promise<Dashboard> {
  const log = join(await temporaryFolder(), 'access.log');
  const lines = times.map((at) => {
    const second = new Date(at).toISOString().slice(11, 19);
    return `192.0.2.7 - - [28/May/2016:${second} +0000] "GET / HTTP/1.1" 200 1 "-" "curl/8.5.0"${tail(at)}\n`;
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
  const page = await openView((at) => ` ${(at / 1_000).toFixed(3)}`);
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
  const page = await openView(() => '');
  await page.untilText('viewed', / · 1 s clock, no 10 ms windows$/);
  await page.untilText('peak', '149');
  expect(await page.number('messages')).toBe(times.length);
  expect(await page.text('chart-title')).toBe('Messages per second');
  expect(await page.page.locator('#bursts').isVisible()).toBe(false);
});
