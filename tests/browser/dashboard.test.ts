/** The dashboard shows the true counts, in a real browser with real traffic. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@reto3/bench/src/free-port.ts';
import { quantile } from '@reto3/bench/src/statistics.ts';
import type { Bursts } from '@reto3/client/answers';
import { expect, vi } from 'vitest';
import { ask, askInfo, askStats } from '../support/api.ts';
import { figure } from '../support/figure.ts';
import { temporaryFolder } from '../support/folder.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';
import { Dashboard, program } from './support/browser.ts';
import { type Rhythm, RhythmLoad } from './support/rhythm.ts';

const test = requires(program);
const rhythm = { rate: 2_000, beat: 60, stallMs: 200, stallEveryMs: 3_000 };

function startLoad(server: Server, more: Partial<Rhythm> = {}): RhythmLoad {
  return RhythmLoad.start(server.port, { ...rhythm, ...more });
}

const sum = (counts: readonly number[]): number =>
  counts.reduce((total, count) => total + count, 0);

/** Compares the page's figures for a range with the query API's. */
async function expectTrueCounts(page: Dashboard, server: Server): Promise<number> {
  const { from, to } = await page.heldRange();
  const stats = await askStats(server.adminUrl, 'ms10', `from=${from}&to=${to}`);
  await page.reloadIfRevised(stats);
  const { starts, counts } = stats;
  const messages = sum(counts);
  const peak = Math.max(...counts);
  await page.untilText('messages', messages.toLocaleString('en-US'));
  expect(await page.number('peak')).toBe(peak);
  const at = new Date(starts[counts.indexOf(peak)] ?? 0).toISOString().slice(11, 23);
  expect(await page.text('peak-note')).toBe(`at ${at}`);
  return messages;
}

test('shows the true counts while requests come in, and updates by itself', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const page = await Dashboard.open(server.adminUrl);
  await page.untilLive();
  await page.untilText('empty-text', /^No messages yet/);
  const load = startLoad(server);
  await waitUntil('the page shows requests', async () => (await page.number('rate')) > 500);
  expect(await page.page.locator('#empty').isVisible()).toBe(false);
  const before = await page.text('final');
  await waitUntil('the page moves on', async () => (await page.text('final')) > before);

  await waitUntil('more are in view', async () => (await page.number('messages')) > 2_000);
  await page.page.click('#live');
  await page.untilText('state', 'Paused');
  expect(await expectTrueCounts(page, server)).toBeGreaterThan(1_000);

  await load.stop();
  await waitUntil(
    'the page shows everything',
    async () => (await page.number('all')) === load.answered,
  );
  expect((await askInfo(server.adminUrl)).messagesInAll).toBe(load.answered);
});

test('survives a restart of the server without a reload, and shows the gap', async () => {
  const dataDir = await temporaryFolder();
  const [port, adminPort] = [await freePort(), await freePort()];
  const first = await Server.start({ dataDir, port, adminPort });
  const load = startLoad(first);
  const page = await Dashboard.open(first.adminUrl);
  await page.untilLive();
  await page.page.evaluate('window.notReloaded = true');
  await waitUntil('the page shows requests', async () => (await page.number('rate')) > 500);
  await load.stop();
  await first.stop();
  await page.untilText('state', 'Disconnected');
  await page.untilText('rate', '–');
  await page.untilText('trouble', /^The server does not respond\. The data shown ends at /);

  const second = await Server.start({ dataDir, port, adminPort });
  startLoad(second);
  await page.untilLive();
  expect(await page.page.locator('#trouble').isVisible()).toBe(false);
  expect(await page.page.evaluate('window.notReloaded')).toBe(true);
  // Not the rate, which may still be from the last second before the restart.
  await waitUntil(
    'the page shows requests again',
    async () => (await page.number('messages')) > load.answered,
  );
  await page.page.click('#live');
  expect(await expectTrueCounts(page, second)).toBeGreaterThan(load.answered);
  expect(await page.text('messages-note')).toMatch(/ not counted$/);
});

test('zooms and moves by mouse, wheel and buttons, and chooses the period by the span', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  startLoad(server);
  const page = await Dashboard.open(server.adminUrl);
  await page.untilLive();
  await page.untilText('chart-title', 'Messages per 10 ms');
  // These ranges are in the past: a new server's live view is only as long as its counts.
  const end = Date.now() - 60_000;
  for (const [spanMs, unit] of [
    [3_600_000, 'second'],
    [86_400_000, 'minute'],
    [60_000, '10 ms'],
  ] as const) {
    await page.page.evaluate(`location.hash = '#from=${end - spanMs}&to=${end}'`);
    await page.untilText('chart-title', `Messages per ${unit}`);
  }
  await page.page.click('text="1 min"');
  await page.untilLive();
  // The range held below must be the current one, not the last past one.
  await page.page.waitForURL(/#live=60000$/);

  await waitUntil('the page shows requests', async () => (await page.number('rate')) > 500);
  // The selection below needs requests in it.
  await waitUntil('more are in view', async () => (await page.number('messages')) > 5_000);
  await page.page.click('#live');
  const whole = await page.heldRange();
  const { mouse, keyboard } = page.page;
  const drawn = await page.heldRangeAfter(
    'drawn',
    async ({ x, y, width, height }) => {
      await mouse.move(x + width * 0.5, y + height / 2);
      await mouse.down();
      await mouse.move(x + width * 0.98, y + height / 2, { steps: 4 });
      await mouse.up();
    },
    ({ to }) => to < whole.to,
  );
  expect((drawn.to - drawn.from) / (whole.to - whole.from)).toBeCloseTo(0.48, 1);
  await expectTrueCounts(page, server);

  const near = await page.heldRangeAfter(
    'closer',
    async ({ x, y, width, height }) => {
      await mouse.move(x + width / 2, y + height / 2);
      await keyboard.down('Control');
      await mouse.wheel(0, -200);
      await keyboard.up('Control');
    },
    ({ from, to }) => to - from < (drawn.to - drawn.from) / 2,
  );
  await page.page.click('button[aria-label="Zoom out"]');
  const wide = await page.heldRange('wider', ({ from, to }) => to - from > near.to - near.from);
  await page.page.click('button[aria-label="Earlier"]');
  await page.heldRange('earlier', ({ to }) => to < wide.to);
  await page.page.click('#live');
  await page.untilLive();
});

test('can be used by keyboard alone', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  startLoad(server);
  const page = await Dashboard.open(server.adminUrl);
  const { keyboard } = page.page;
  await waitUntil('the page shows requests', async () => (await page.number('rate')) > 500);
  const focus = (): Promise<string> =>
    page.page.evaluate('document.activeElement.id || document.activeElement.textContent.trim()');
  const tabTo = async (wanted: string, key = 'Tab'): Promise<void> => {
    for (let presses = 0; (await focus()) !== wanted; presses++) {
      if (presses > 25) throw new Error(`cannot reach ${wanted} with ${key}`);
      await keyboard.press(key);
    }
  };
  await tabTo('1 h');
  await keyboard.press('Enter');
  await page.page.waitForURL(/#live=3600000$/);
  await tabTo('chart');
  await keyboard.press('1');
  await page.page.waitForURL(/#live=60000$/);
  await keyboard.press('Space');
  await page.untilText('state', 'Paused');
  const held = await page.heldRange();
  await expectTrueCounts(page, server);

  // Step from window to window, backwards from the newest.
  const { starts, counts } = await askStats(
    server.adminUrl,
    'ms10',
    `from=${held.from}&to=${held.to}`,
  );
  for (const back of [1, 2, 3]) {
    await keyboard.press(',');
    const count = counts.at(-back) ?? 0;
    const time = new Date(starts.at(-back) ?? 0).toISOString().slice(11, 23);
    await page.untilText('pointed', new RegExp(`^${time}\\s+${count} messages?$`));
  }

  await keyboard.press('ArrowLeft');
  const spanMs = held.to - held.from;
  await page.heldRange('earlier', ({ to }) => to === held.to + Math.round(-spanMs / 4));
  await keyboard.press('+');
  await page.heldRange('closer', ({ from, to }) => to - from === Math.round(spanMs / 2));
  await keyboard.press('Space');
  await page.untilLive();

  await tabTo('help', 'Shift+Tab');
  await keyboard.press('Enter');
  expect(await page.page.locator('#help-dialog').isVisible()).toBe(true);
  await keyboard.press('Escape');
  expect(await page.page.locator('#help-dialog').isVisible()).toBe(false);
  expect(await focus()).toBe('help');
});

test('has the data of the chart in a table', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  startLoad(server);
  const page = await Dashboard.open(server.adminUrl);
  await waitUntil('the page shows requests', async () => (await page.number('rate')) > 500);
  await waitUntil('more are in view', async () => (await page.number('messages')) > 2_000);
  await page.page.click('#live');
  await page.page.click('#table-title');
  const messages = await expectTrueCounts(page, server);
  const cells = await page.page.locator('#rows tr td:nth-child(2)').allInnerTexts();
  const numbers = cells
    .filter((cell) => cell !== '–')
    .map((cell) => Number(cell.replaceAll(',', '')));
  expect(sum(numbers)).toBe(messages);

  const { from, to } = await page.heldRange();
  const download = page.page.waitForEvent('download');
  await page.page.click('#csv');
  const lines: string[] = [];
  for await (const piece of await (await download).createReadStream()) lines.push(String(piece));
  const response = await fetch(`${server.adminUrl}/v1/stats/ms10?from=${from}&to=${to}&format=csv`);
  expect(lines.join('')).toBe(await response.text());
});

test("shows the API's bursts, and goes to each burst and back", async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  startLoad(server);
  const page = await Dashboard.open(server.adminUrl);
  await waitUntil('the page shows requests', async () => (await page.number('rate')) > 500);
  // The page queries bursts once they are on the screen.
  await page.page.locator('#bursts').scrollIntoViewIfNeeded();
  // A stall comes every 3 s, followed by a burst of the waiting requests.
  const total = async (id: string): Promise<number> => Number.parseInt(await page.text(id), 10);
  await waitUntil(
    'a live view finds stalls by itself, and two bursts to go to',
    async () => (await total('stalls-total')) > 0 && (await total('bursts-total')) > 1,
  );
  await page.page.click('#live');
  await page.untilText('state', 'Paused');
  const held = await page.heldRange();
  const found = await ask(server.adminUrl, '/v1/bursts', `from=${held.from}&to=${held.to}`);
  await page.untilText('bursts-total', new RegExp(`^${found.bursts.count} `));
  await page.untilText('stalls-total', new RegExp(`^${found.stalls.count} `));
  const largest = found.bursts.list.toSorted((a, b) => b.total - a.total);
  // The range may be too short to contain a whole second.
  const peaks = found.scales.map(({ windows, peak }) =>
    windows === 0 ? '–' : peak.count.toLocaleString('en-US'),
  );
  // The live list may have had the same totals, so compare the rows.
  await vi.waitFor(
    async () => {
      const rows = await page.page.locator('#bursts-rows tr').allInnerTexts();
      expect(rows).toHaveLength(largest.length);
      for (const [index, { from, to, peak, total }] of largest.entries()) {
        const [time, length, ...counts] = rows[index]?.split('\t') ?? [];
        const at = new Date(from).toISOString().slice(11, 23);
        expect([time, length]).toEqual([at, `${to - from} ms`]);
        const wanted = [peak, total].map((count) => count.toLocaleString('en-US'));
        expect(counts.slice(0, 2)).toEqual(wanted);
      }
      const scales = await page.page.locator('#scales tr td:nth-child(3)').allInnerTexts();
      expect(scales).toEqual(peaks);
    },
    { timeout: 30_000, interval: 50 },
  );

  // Go to the first burst by mouse, to the second by keyboard, and back to the list's range.
  const [first, second] = largest;
  if (first === undefined || second === undefined) throw new Error('got no two bursts');
  const around = ({ from, to }: { from: number; to: number }) =>
    page.heldRange('a burst', (range) => {
      const isNear = range.to - range.from < Math.min(5_000, held.to - held.from);
      return isNear && range.from <= from && range.to >= to;
    });
  await page.page.click('#bursts-rows tr:nth-child(1) button');
  await around(first);
  await expectTrueCounts(page, server);
  await page.page.focus('#bursts-rows tr:nth-child(2) button');
  await page.page.keyboard.press('Enter');
  await around(second);
  expect(await page.page.locator('#bursts-rows tr').count()).toBe(largest.length);
  await page.page.click('#bursts-back');
  await page.heldRange('the whole range', ({ from, to }) => from === held.from && to === held.to);
  expect(await page.page.locator('#bursts-back').isVisible()).toBe(false);
});

test('distinguishes a gap from windows without messages', async () => {
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--node', 'web-1'],
  });
  const hour = [Date.UTC(2016, 4, 28), Date.UTC(2016, 4, 28, 1)] as const;
  const page = await Dashboard.open(server.adminUrl, `#from=${hour[0]}&to=${hour[1]}`);
  await page.untilText('peak-note', 'nothing was counted');
  expect(await page.text('ratio-note')).toBe('mean – per second');
  expect(await page.text('messages-note')).toBe('1 h not counted');
  // The server's name comes from another answer than its counts.
  await waitUntil('the title names the server', async () => {
    return (await page.page.title()) === 'web-1 · reto3';
  });

  await page.page.click('[data-span="60000"]');
  await page.untilText('peak-note', 'no messages');
  expect(await page.text('ratio-note')).toBe('mean 0 per 10 ms');
});

test('shows the date of bursts in a range of several days', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  startLoad(server);
  const page = await Dashboard.open(server.adminUrl);
  // Counting a day would take a day, so only move the start of the server's real answer.
  await page.page.route('**/v1/bursts?*', async (route) => {
    const response = await route.fetch();
    const found: Bursts = await response.json();
    await route.fulfill({ response, json: { ...found, from: found.from - 86_400_000 } });
  });
  await page.page.reload();
  await waitUntil('the page shows requests', async () => (await page.number('rate')) > 500);
  await page.page.locator('#bursts').scrollIntoViewIfNeeded();
  const peak = page.page.locator('#scales tr:nth-child(1) button');
  expect(await peak.textContent()).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/);
});

test('asks for the token, and never puts it into a URL', async () => {
  const dataDir = await temporaryFolder();
  const tokenFile = join(dataDir, 'token');
  await writeFile(tokenFile, 'open-sesame-please\n');
  const server = await Server.start({ dataDir, flags: ['--admin-token-file', tokenFile] });
  startLoad(server);
  const page = await Dashboard.open(server.adminUrl);
  await page.untilText('state', 'Token required');
  for (let presses = 0; presses < 3; presses++) await page.page.keyboard.press('Escape');
  await page.page.locator('#token-dialog').waitFor();
  // The second one is not even allowed in a header.
  for (const guess of ['guess', '“open-sesame-please”']) {
    await page.page.fill('#token', guess);
    await page.page.keyboard.press('Enter');
    await page.untilText('token-error', /^The server rejected this token/);
    await page.page.locator('#token-dialog').waitFor({ state: 'visible' });
  }
  await page.page.fill('#token', 'open-sesame-please');
  await page.page.keyboard.press('Enter');
  await page.untilLive();
  await waitUntil('the page shows requests', async () => (await page.number('rate')) > 500);
  await waitUntil('the page knows the total', async () => (await page.number('all')) > 0);

  await page.page.reload();
  await page.untilLive();
  // Another token replaces it while the page is open.
  await writeFile(tokenFile, 'close-sesame-please\n');
  await page.untilText('state', 'Token required');
  await page.page.fill('#token', 'close-sesame-please');
  await page.page.keyboard.press('Enter');
  await page.untilLive();
  await page.page.click('#forget');
  await page.untilText('state', 'Token required');
  expect(page.asked.filter((url) => url.includes('sesame'))).toEqual([]);
});

test('follows the system theme until the user chooses one', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const page = await Dashboard.open(server.adminUrl, '', { colorScheme: 'dark' });
  const background = (): Promise<string> =>
    page.page.evaluate('getComputedStyle(document.body).backgroundColor');
  await page.untilLive();
  const dark = await background();
  await page.page.emulateMedia({ colorScheme: 'light' });
  await waitUntil('the page is light', async () => (await background()) !== dark);
  await page.page.click('#theme');
  expect(await background()).toBe(dark);
  await page.page.reload();
  await page.untilLive();
  expect(await background()).toBe(dark);
});

test('loads nothing from other hosts, and cannot be framed', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const response = await fetch(`${server.adminUrl}/`);
  const { headers } = response;
  expect(headers.get('content-security-policy')).toBe(
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  );
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  expect(await response.text()).not.toMatch(/<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=/);
});

async function measureFrames(what: string, flags: readonly string[]): Promise<void> {
  const server = await Server.start({ dataDir: await temporaryFolder(), flags });
  startLoad(server, { paths: 20 });
  const page = await Dashboard.open(server.adminUrl);
  await waitUntil('the page shows requests', async () => (await page.number('rate')) > 500);
  if (flags.length > 0)
    await waitUntil('the page stacks keys', async () => {
      return (await page.page.locator('#keys-key li').count()) === 9;
    });
  const session = await page.page.context().newCDPSession(page.page);
  await session.send('Performance.enable');
  const taskSeconds = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
  };
  const before = await taskSeconds();
  const frames = await page.page.evaluate<number[]>(`new Promise((resolve) => {
    const times = [];
    const next = (time) => {
      times.push(time);
      if (times.length <= 240) requestAnimationFrame(next);
      else resolve(times.slice(1).map((time, index) => time - times[index]));
    };
    requestAnimationFrame(next);
  })`);
  const busyMs = ((await taskSeconds()) - before) * 1_000;
  expect(frames).toHaveLength(240);
  figure(
    `dashboard, ${what}: main thread per frame, mean, ms`,
    (busyMs / frames.length).toFixed(2),
  );
  for (const [name, share] of Object.entries({ median: 0.5, p99: 0.99, longest: 1 }))
    figure(
      `dashboard, ${what}: time between frames, ${name}, ms`,
      quantile(frames, share).toFixed(1),
    );
}

test('draws a minute of 10 ms windows smoothly', () => measureFrames('live minute of ms10', []));

test('draws a minute of 10 ms windows and the keys below it smoothly', () =>
  measureFrames('live minute of ms10 with stacked keys', ['--report', 'by:path']));
