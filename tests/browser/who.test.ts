/** The dashboard names who was behind a burst: light, dark and on a phone. */
import type { BrowserContextOptions } from 'playwright-core';
import { expect, vi } from 'vitest';
import { askInfo } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { exchange } from '../support/raw-http.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';
import { expectAccessible } from './support/accessible.ts';
import { Dashboard, program } from './support/browser.ts';
import { RhythmLoad } from './support/rhythm.ts';

const test = requires(program);
const burst = 400;
const others = 300;
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: shop.example\r\n\r\n`;
}

/** Makes a burst of one path among twenty, with or without an archive, and returns its range. */
async function afterBurst(...flags: string[]) {
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--workers', '1', ...flags],
  });
  const pieces = Array.from({ length: others }, (_, index) => get(`/page/${index % 20}`));
  pieces.splice(others / 2, 0, get('/checkout/a-rather-long-path-of-a-shop/items').repeat(burst));
  const from = Date.now() - 1_000;
  await exchange(server.port, pieces, others + burst);
  const to = Date.now();
  await waitUntil('everything is final, and archived', async () => {
    const { archive, finalThrough } = await askInfo(server.adminUrl);
    return finalThrough > to && (archive === undefined || archive.waiting === 0);
  });
  return { server, hash: `#from=${from}&to=${to}` };
}

/** Takes a picture for people to look at, into the folder RETO3_PICTURES. */
async function takePicture(page: Dashboard, name: string): Promise<void> {
  const { RETO3_PICTURES: folder } = process.env;
  if (folder !== undefined)
    await page.page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
}

test('names who was behind the burst that the user opens', async () => {
  const { server, hash } = await afterBurst('--archive', '--report', 'by:path');
  for (const [name, options] of Object.entries({
    light: { colorScheme: 'light' },
    dark: { colorScheme: 'dark' },
    phone: { ...phone, colorScheme: 'dark' },
  } as const satisfies Record<string, BrowserContextOptions>)) {
    const page = await Dashboard.open(server.adminUrl, hash, options);
    await page.page.locator('#bursts').scrollIntoViewIfNeeded();
    await page.untilText('bursts-total', /^\d+ /);
    expect(await page.page.locator('#who').isVisible()).toBe(false);
    await page.page.locator('#keys-key li').first().waitFor();
    const layers = await page.page.locator('#keys-key li').allInnerTexts();
    expect(layers[0]).toBe(`/checkout/a-rather-long-path-of-a-shop/items ${burst}`);
    expect(layers).toHaveLength(9);
    expect(layers[8]).toMatch(/^\(other\) \d+$/);
    await page.page.click('#bursts-rows tr:nth-child(1) button');
    await page.untilText('who-shown', /^\/checkout\/\S+ made \d+(\.\d+)? % of it, and /);
    expect(await page.page.locator('#who-rows tr').count()).toBe(1);
    await page.page.selectOption('#who-key', 'host');
    await page.untilText('who-shown', /^Nobody stands out/);
    await page.page.selectOption('#who-key', 'path');
    await page.untilText('who-shown', /^\/checkout/);
    expect(await page.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(
      page.page.viewportSize()?.width ?? 0,
    );
    await expectAccessible(page, name);
    await takePicture(page, `who-${name}`);
    await page.page.click('#bursts-back');
    await waitUntil('it is gone', async () => !(await page.page.locator('#who').isVisible()));
  }
});

test('draws the keys together with the text that names their columns', async () => {
  const { server, hash } = await afterBurst('--report', 'by:path');
  const page = await Dashboard.open(server.adminUrl, hash);
  await page.untilText('keys-shown', 'per 1 s');
  const [, from] = /from=(\d+)/.exec(hash) ?? [];
  const wasDrawn = await page.page.evaluate<boolean>(`new Promise((resolve) => {
    const canvas = document.getElementById('keys');
    const text = document.getElementById('keys-shown');
    new MutationObserver(() => {
      if (text.textContent !== 'per 10 ms') return;
      const drawn = canvas.toDataURL();
      // By then, the page has drawn it several more times.
      setTimeout(() => resolve(drawn === canvas.toDataURL()), 1_000);
    }).observe(text, { childList: true, characterData: true, subtree: true });
    location.hash = '#from=${from}&to=${Number(from) + 500}';
  })`);
  expect(wasDrawn).toBe(true);
});

test('removes the keys of another range if their answer fails, until one succeeds', async () => {
  const { server, hash } = await afterBurst('--report', 'by:path');
  const page = await Dashboard.open(server.adminUrl, hash, { mayRefuse: true });
  await page.untilText('keys-shown', /^per /);
  const [, from] = /from=(\d+)/.exec(hash) ?? [];
  const go = (spanMs: number): Promise<void> =>
    page.page.evaluate(`location.hash = '#from=${from}&to=${Number(from) + spanMs}'`);
  const drawn = async () => ({
    layers: await page.page.locator('#keys-key li').count(),
    isDrawn: await page.page.evaluate<boolean>(`document.getElementById('keys').width > 0`),
  });
  expect(await drawn()).toEqual({ layers: 9, isDrawn: true });
  const error = { code: 'RETO3_NO_REPORT', message: 'no such report', hint: '' };
  await page.page.route('**/v1/reports/**', (route) => route.fulfill({ status: 404, json: error }));
  await go(2_300);
  await page.untilText('keys-shown', error.message);
  expect(await drawn()).toEqual({ layers: 0, isDrawn: false });
  await page.page.unroute('**/v1/reports/**');
  await go(2_200);
  await page.untilText('keys-shown', /^per /);
  const after = await drawn();
  expect(after.isDrawn).toBe(true);
  expect(after.layers).toBeGreaterThan(1);
});

test('says what is missing if the keys were not kept', async () => {
  const { server, hash } = await afterBurst();
  const page = await Dashboard.open(server.adminUrl, hash);
  await page.page.locator('#bursts').scrollIntoViewIfNeeded();
  await page.untilText('bursts-total', /^\d+ /);
  await page.page.click('#bursts-rows tr:nth-child(1) button');
  await page.untilText(
    'who-shown',
    /^Not known: the server keeps no archive and no report by:path/,
  );
});

test('marks a beat in the heat map, and states its period', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  RhythmLoad.start(server.port, { rate: 500, beat: 60 });
  const page = await Dashboard.open(server.adminUrl);
  await page.page.locator('#bursts').scrollIntoViewIfNeeded();
  const period = /^Beat: every (?:1|1\.00\d|0\.99\d) s,/;
  await vi.waitFor(async () => expect(await page.text('beats-shown')).toMatch(period), {
    timeout: 90_000,
    interval: 500,
  });
  await takePicture(page, 'beat');
});
