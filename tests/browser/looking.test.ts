/** Views of the dashboard: ranges, time zones, selection by two clicks, and markers. */
import { setTimeout } from 'node:timers/promises';
import type { Locator } from 'playwright-core';
import { expect } from 'vitest';
import { askInfo } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { untilFinal } from '../support/stats.ts';
import { waitUntil } from '../support/wait.ts';
import { expectAccessible } from './support/accessible.ts';
import { Dashboard, program } from './support/browser.ts';
import { RhythmLoad } from './support/rhythm.ts';

const test = requires(program);

async function startLoaded(): Promise<Server> {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const rhythm = { rate: 2_000, beat: 60, stallMs: 200, stallEveryMs: 3_000 };
  RhythmLoad.start(server.port, rhythm);
  return server;
}

/** The number of pixels in a canvas, in CSS pixels, with a colour of the style sheet. */
function countPixels(page: Dashboard, selector: string, name: string): Promise<number> {
  return page.page.evaluate<number>(`(() => {
    const probe = document.createElement('canvas').getContext('2d');
    probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--${name}');
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
    const canvas = document.querySelector('${selector}');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let pixels = 0;
    for (let at = 0; at < data.length; at += 4)
      if (data[at] === r && data[at + 1] === g && data[at + 2] === b) pixels++;
    return pixels;
  })()`);
}

test('an empty server shows a command that sends the first message, and the command works', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const page = await Dashboard.open(server.adminUrl, '', {
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  await page.untilText('empty-command', `curl http://127.0.0.1:${server.port}/`);
  await page.page.click('#empty-copy');
  await page.untilText('empty-copy', 'Copied');
  const command = await page.page.evaluate<string>('navigator.clipboard.readText()');
  await fetch(command.replace(/^curl /, ''));
  await page.untilText('messages', '1');
  expect(await page.page.locator('#empty').isVisible()).toBe(false);
});

test('shows a failed answer until the next one succeeds', async () => {
  const server = await startLoaded();
  const page = await Dashboard.open(server.adminUrl, '', { mayRefuse: true });
  await page.untilLive();
  const error = { code: 'RETO3_NO_SUCH_NODE', message: 'no such counts', hint: '' };
  await page.page.route('**/v1/stats/min?*', (route) =>
    route.fulfill({ status: 404, json: error }),
  );
  const end = Date.now() - 60_000;
  await page.page.evaluate(`location.hash = '#from=${end - 86_400_000}&to=${end}'`);
  await page.untilText('trouble', error.message);
  await page.page.unroute('**/v1/stats/min?*');
  await page.untilText('chart-title', 'Messages per minute');
  await page.page.locator('#trouble').waitFor({ state: 'hidden' });
});

test('stacks keys even if every answer takes longer than the live view needs to move on', async () => {
  const flags = ['--report', 'by:path'];
  const server = await Server.start({ dataDir: await temporaryFolder(), flags });
  RhythmLoad.start(server.port, { rate: 100, paths: 3 });
  const page = await Dashboard.open(server.adminUrl);
  await page.page.route('**/v1/reports/**', async (route) => {
    await setTimeout(2_500);
    await route.continue().catch(() => undefined);
  });
  await waitUntil('keys are listed', async () => {
    return (await page.page.locator('#keys-key li').count()) === 3;
  });
  await page.page.unrouteAll({ behavior: 'ignoreErrors' });
});

test('a slow answer never makes a part of the view look like all of it', async () => {
  const server = await startLoaded();
  const page = await Dashboard.open(server.adminUrl);
  await waitUntil('requests are in view', async () => (await page.number('messages')) > 2_000);
  await page.page.click('#live');
  const { from, to } = await page.heldRange();
  const before = [await page.text('shown'), await page.text('messages')];
  await page.page.route('**/v1/stats/**', async (route) => {
    await setTimeout(5_000);
    await route.continue().catch(() => undefined);
  });
  // Ten minutes back, which are not loaded yet.
  await page.page.evaluate(`location.hash = '#from=${from - 600_000}&to=${to - 600_000}'`);
  await page.heldRange('earlier', (range) => range.to === to - 600_000);
  await setTimeout(2_000);
  expect([await page.text('shown'), await page.text('messages')]).toEqual(before);
  await page.untilText('messages', '0');
  await page.page.unrouteAll({ behavior: 'ignoreErrors' });
});

test('bursts belong to the view: a late answer is dropped, and a failed one requested again', async () => {
  const server = await startLoaded();
  const page = await Dashboard.open(server.adminUrl, '', { mayRefuse: true });
  await page.untilLive();
  await waitUntil('requests are in view', async () => (await page.number('messages')) > 2_000);
  await page.page.click('#live');
  const { from, to } = await page.heldRange();
  const go = (spanMs: number): Promise<void> =>
    page.page.evaluate(`location.hash = '#from=${to - spanMs}&to=${to}'`);
  const found = page.page.locator('#bursts-found');
  await found.waitFor({ state: 'visible' });

  // A day is analysed only on request, once it has a whole minute. On return, the list is there
  // again.
  await go(86_400_000);
  await page.untilText('bursts-shown', /^(Analysing 1 d|Nothing was counted) /);
  await go(to - from);
  await found.waitFor({ state: 'visible' });

  const error = { code: 'RETO3_NO_DATA', message: 'nothing there', hint: '' };
  await page.page.route('**/v1/bursts?*', (route) => route.fulfill({ status: 404, json: error }));
  await go(to - from - 10);
  await page.untilText('bursts-shown', 'cannot find bursts: nothing there');
  await page.page.unroute('**/v1/bursts?*');
  await found.waitFor({ state: 'visible' });

  await page.page.route('**/v1/bursts?*', () => undefined);
  const asked = page.page.waitForRequest('**/v1/bursts?*');
  await go(to - from - 20);
  const pending = await asked;
  const dropped = page.page.waitForEvent('requestfailed', (request) => request === pending);
  await go(86_400_000);
  await dropped;
  await page.page.unrouteAll({ behavior: 'ignoreErrors' });
});

test("a new server's view begins where counting began, in every preset", async () => {
  const server = await startLoaded();
  const { startedAt } = await askInfo(server.adminUrl);
  const page = await Dashboard.open(server.adminUrl);
  await waitUntil('the page shows requests', async () => (await page.number('rate')) > 500);
  const began = new Date(startedAt).toISOString().slice(0, 10);
  const presets = await page.page.locator('button[data-span]').count();
  expect(presets).toBe(8);
  for (let key = 1; key <= presets; key++) {
    await page.page.focus('#chart');
    await page.page.keyboard.press(String(key));
    await page.untilText('shown', new RegExp(` in 10 ms windows · ${began} `));
    await page.untilText('messages-note', 'no gap');
    expect(await page.number('messages')).toBeGreaterThan(0);
  }
});

test('marks a window that was counted in part', async () => {
  const server = await startLoaded();
  const { startedAt } = await askInfo(server.adminUrl);
  const first = startedAt - (startedAt % 1_000);
  await untilFinal(server, first + 1_000);
  const view = `#from=${first - 130_000}&to=${first + 1_000}`;
  const page = await Dashboard.open(server.adminUrl, view);
  await page.untilText('chart-title', 'Messages per second');
  await page.untilText('chart-summary', /, 1 second counted in part\.$/);
  await page.page.focus('#chart');
  await page.page.keyboard.press(',');
  await page.untilText('pointed-more', 'counted in part: a server started or stopped');
});

test('shows a range chosen by date and time, in the chosen time zone', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const page = await Dashboard.open(server.adminUrl, '', { timezoneId: 'Europe/Berlin' });
  await page.untilLive();
  const choose = async (from: string, to: string): Promise<void> => {
    await page.page.click('#range');
    await page.page.fill('#range-from', from);
    await page.page.fill('#range-to', to);
    await page.page.click('#range-form [type="submit"]');
  };
  await choose('2026-03-01T12:00:01', '2026-03-01T12:30:01');
  await page.heldRange('of UTC', ({ from, to }) => {
    return from === Date.UTC(2026, 2, 1, 12, 0, 1) && to === Date.UTC(2026, 2, 1, 12, 30, 1);
  });
  await page.page.locator('#zone').selectOption('local');
  await page.untilText('shown', /2026-03-01 13:00:01 – 13:30:01 UTC\+01:00$/);
  await choose('2026-07-01T12:00:02', '2026-07-01T12:30:02');
  await page.heldRange('of Berlin', ({ from }) => from === Date.UTC(2026, 6, 1, 10, 0, 2));
  await page.page.reload();
  await page.untilText('shown', /2026-07-01 12:00:02 – 12:30:02 UTC\+02:00$/);

  // The fields cannot show these times exactly: milliseconds, and a time of the hour that Berlin
  // had twice. Left alone, they keep them.
  const from = Date.UTC(2026, 9, 25, 1, 30, 0, 120);
  const hash = `#from=${from}&to=${from + 400}`;
  await page.page.evaluate(`location.hash = '${hash}'`);
  await page.untilText('shown', /^400 ms in 10 ms windows/);
  await page.page.click('#range');
  expect(await page.page.locator('#range-from').inputValue()).toMatch(/^2026-10-25T02:30/);
  await page.page.click('#range-form [type="submit"]');
  expect(await page.page.locator('#range-dialog').isVisible()).toBe(false);
  await page.heldRange('as before', (range) => range.from === from && range.to === from + 400);

  await page.page.click('#range');
  await expectAccessible(page, 'choosing a range');
  await page.page.fill('#range-to', '2026-06-01T12:00:00');
  await page.page.click('#range-form [type="submit"]');
  expect(await page.page.locator('#range-dialog').isVisible()).toBe(true);
});

test('chart and heat map share one time axis, and two clicks select a range of it', async () => {
  const server = await startLoaded();
  const page = await Dashboard.open(server.adminUrl);
  await waitUntil('the page shows requests', async () => (await page.number('rate')) > 500);
  const { finalThrough } = await askInfo(server.adminUrl);
  const chart = page.page.locator('.u-over');
  const heat = page.page.locator('#heat');
  for (const spanMs of [200, 3_000, 60_000, 900_000]) {
    const hash = `#from=${finalThrough - spanMs}&to=${finalThrough}`;
    await page.page.evaluate(`location.hash = '${hash}'`);
    await page.heldRange('the next', ({ from, to }) => to - from === spanMs);
    await waitUntil('it is drawn', async () => !(await page.page.isVisible('.loading')));
    for (const share of [0.2, 0.7]) {
      const time = finalThrough - spanMs * (1 - share);
      const points = async (id: string, place: Locator, withinMs: number): Promise<void> => {
        await waitUntil(`#${id} says ${time} ± ${withinMs}`, async () => {
          // Measure each time: on a busy machine, an error line may move everything below it.
          const [plot, at] = [await chart.boundingBox(), await place.boundingBox()];
          if (plot === null || at === null) throw new Error('got no chart');
          await page.page.mouse.move(plot.x + plot.width * share, at.y + 100);
          const [text = ''] = (await page.text(id)).split('  ');
          const said = `${new Date(time).toISOString().slice(0, 11)}${text}Z`;
          return Math.abs(Date.parse(said) - time) <= withinMs;
        });
      };
      const windowMs = spanMs > 120_000 ? 1_000 : 10;
      const columnMs = spanMs < 10_000 ? 100 : spanMs > 300_000 ? 60_000 : 1_000;
      await points('pointed', chart, 2 * windowMs + spanMs / 500);
      await points('heat-pointed', heat, columnMs + 2 * windowMs);
    }
  }

  await page.page.evaluate(`location.hash = '#live=60000'`);
  await page.untilLive();
  await heat.click({ position: { x: 300, y: 100 } });
  await page.untilText('heat-hint', /^Click the other end/);
  const whole = await page.heldRange();
  await page.page.keyboard.press('Escape');
  await page.untilText('heat-hint', /^Click two windows/);
  await heat.click({ position: { x: 700, y: 100 } });
  await heat.click({ position: { x: 300, y: 100 } });
  const part = await page.heldRange('chosen', ({ from }) => from > whole.from);
  expect(part.to).toBeLessThan(whole.to);
});

test('describes a window beside the crosshair, and draws narrow windows as a band', async () => {
  const server = await startLoaded();
  const page = await Dashboard.open(server.adminUrl);
  await waitUntil('the page shows requests', async () => (await page.number('rate')) > 500);
  const { finalThrough } = await askInfo(server.adminUrl);
  const show = async (spanMs: number): Promise<void> => {
    const hash = `#from=${finalThrough - spanMs}&to=${finalThrough}`;
    await page.page.evaluate(`location.hash = '${hash}'`);
    await page.heldRange('the next', ({ from, to }) => to - from === spanMs);
    await waitUntil('it is drawn', async () => !(await page.page.isVisible('.loading')));
  };
  const bandPixels = () => countPixels(page, '.uplot canvas', 'band');
  await show(200);
  await waitUntil('steps are drawn', async () => (await bandPixels()) === 0);
  await show(60_000);
  await waitUntil('a band is drawn', async () => (await bandPixels()) > 100);

  for (const across of [0.02, 0.5, 0.98]) {
    await waitUntil(`it is beside ${across}`, async () => {
      const plot = await page.page.locator('.u-over').boundingBox();
      if (plot === null) throw new Error('got no chart');
      const x = plot.x + plot.width * across;
      await page.page.mouse.move(x, plot.y + plot.height / 2);
      const box = await page.page.locator('#pointed-tip').boundingBox();
      if (box === null) return false;
      const away = Math.max(box.x - x, x - box.x - box.width);
      const isInside = box.y >= plot.y && box.y + box.height <= plot.y + plot.height;
      return away > 0 && away < 30 && isInside;
    });
  }
});

test('marks bursts and stalls in the chart, and no two meanings share a colour', async () => {
  const server = await startLoaded();
  const page = await Dashboard.open(server.adminUrl);
  // The chart is marked even if nobody has scrolled to the list.
  await waitUntil('both are marked', async () => {
    const [burst, stall] = [
      await countPixels(page, '.uplot canvas', 'burst'),
      await countPixels(page, '.uplot canvas', 'stall'),
    ];
    return burst > 10 && stall > 10;
  });
  const layers = Array.from({ length: 9 }, (_, index) => `layer-${index}`);
  const names = [
    ...['accent', 'select', 'peak', 'burst', 'stall', 'damaged', 'gap', 'good', 'bad', 'text'],
    ...layers,
  ];
  for (const theme of ['light', 'dark']) {
    const colours = await page.page.evaluate<string[]>(`(() => {
      document.documentElement.dataset.theme = '${theme}';
      const style = getComputedStyle(document.documentElement);
      return ${JSON.stringify(names)}.map((name) => style.getPropertyValue('--' + name));
    })()`);
    expect(new Set(colours).size, theme).toBe(names.length);
  }
});

test('writes the bursts of a held view again in the chosen time zone', async () => {
  const server = await startLoaded();
  const page = await Dashboard.open(server.adminUrl, '', { timezoneId: 'Asia/Kolkata' });
  await waitUntil('requests are in view', async () => (await page.number('messages')) > 2_000);
  await page.page.click('#live');
  await page.untilText('bursts-shown', / UTC$/);
  await page.page.locator('#zone').selectOption('local');
  await page.untilText('bursts-shown', / UTC\+05:30$/);
});

test('a held view looks different from a live one', async () => {
  const server = await startLoaded();
  const page = await Dashboard.open(server.adminUrl);
  await waitUntil('the page shows requests', async () => (await page.number('rate')) > 500);
  const look = (selector: string): Promise<string> =>
    page.page.evaluate(`(() => {
      const style = getComputedStyle(document.querySelector('${selector}'));
      return style.backgroundColor + style.borderStyle;
    })()`);
  expect(await look('#view-tiles dl > div')).toBe(await look('.group.live dl > div'));
  await page.page.click('#live');
  await page.untilText('view-name', 'In view, paused');
  expect(await look('#view-tiles dl > div')).not.toBe(await look('.group.live dl > div'));
  const [rate, held] = [await page.text('final'), await page.text('messages')];
  await waitUntil('the live view advances', async () => (await page.text('final')) !== rate);
  expect(await page.text('messages')).toBe(held);
});
