/** The dashboard behind a reverse proxy, and in browsers with fewer features than Chromium. */
import { expect } from 'vitest';
import { askStats } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';
import { Dashboard, program } from './support/browser.ts';
import { proxyUnder } from './support/nginx.ts';
import { RhythmLoad } from './support/rhythm.ts';

requires(program, 'nginx')('works under a path of a reverse proxy', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  RhythmLoad.start(server.port, { rate: 500 });
  const url = await proxyUnder('/b', server.adminUrl);
  // Every request must go below this path; any other fails the test.
  const page = await Dashboard.open(url);
  await page.untilLive();
  await waitUntil('the page shows requests', async () => (await page.number('rate')) > 100);
  await page.page.click('text="1 h"');
  await page.page.waitForURL(/\/b\/#live=3600000$/);
  await page.page.locator('#bursts').scrollIntoViewIfNeeded();
  await page.untilText('bursts-shown', / UTC/);
  expect(await page.page.evaluate('document.fonts.check("14px Inter Variable")')).toBe(true);
  const asked = page.asked.map((each) => new URL(each).pathname);
  expect(asked).toEqual(expect.arrayContaining(['/b/v1/info', '/b/v1/live', '/b/v1/bursts']));
  const description = await page.page.locator('footer a').evaluate((link) => link.href);
  expect((await fetch(description)).status).toBe(200);
});

requires(program, 'nginx')('keeps the tokens of servers on one host apart', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const url = await proxyUnder('/b', server.adminUrl);
  const page = await Dashboard.open(url);
  await page.untilLive();
  // Leave a token in this tab, as another server's page would.
  await page.page.evaluate(`for (const path of ['/', '/a/'])
    sessionStorage.setItem('reto3-token' + (path === '/' ? '' : ' ' + path), 'of another')`);
  const [request] = await Promise.all([
    page.page.waitForRequest((each) => each.url().endsWith('/v1/info')),
    page.page.reload(),
  ]);
  expect(await request.headerValue('authorization')).toBeNull();
});

requires(program)('reads the stream of windows without features that Safari lacks', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const load = RhythmLoad.start(server.port, { rate: 500 });
  const page = await Dashboard.open(server.adminUrl);
  await page.page.addInitScript(`delete ReadableStream.prototype.values;
    delete ReadableStream.prototype[Symbol.asyncIterator];`);
  await page.page.reload();
  await page.untilLive();
  await waitUntil('the page shows requests', async () => (await page.number('rate')) > 100);
  await load.stop();
  await waitUntil(
    'the page shows everything',
    async () => (await page.number('all')) === load.answered,
  );
});

requires(program)('works without storage, and without what browsers of 2022 lack', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  RhythmLoad.start(server.port, { rate: 2_000, stallMs: 200, stallEveryMs: 3_000 });
  const page = await Dashboard.open(server.adminUrl);
  // Browsers that block cookies throw on every access.
  await page.page.addInitScript(`for (const name of ['localStorage', 'sessionStorage'])
      Object.defineProperty(window, name, {
        get() {
          throw new DOMException('denied', 'SecurityError');
        },
      });
    for (const name of ['toSorted', 'toReversed', 'toSpliced', 'with', 'findLast', 'findLastIndex'])
      delete Array.prototype[name];
    for (const name of ['ariaPressed', 'ariaLabel']) delete Element.prototype[name];`);
  await page.page.reload();
  await page.untilLive();
  await page.page.click('#theme');
  await page.page.locator('#zone').selectOption('local');
  const pressed = page.page.locator('[data-span="60000"]');
  expect(await pressed.getAttribute('aria-pressed')).toBe('true');
  await waitUntil('bursts are listed', async () => {
    return (await page.page.locator('#bursts-rows tr').count()) > 0;
  });
  await page.page.locator('.u-over').hover();
  await page.untilText('pointed', / messages?$/);
});

requires(program)('never shows a smaller total than the view, at any moment', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const load = RhythmLoad.start(server.port, { rate: 500 });
  const page = await Dashboard.open(server.adminUrl);
  await waitUntil('the page shows requests', async () => (await page.number('rate')) > 100);
  // All messages are in view, so the two tiles agree, except for messages that were counted after
  // their window was final: the total has them at once, the view once it loads the window again.
  const missing: number[] = [];
  for (let looks = 0; looks < 200; looks++) {
    const [all, inView] = await page.page.evaluate<[string, string]>(
      '["all", "messages"].map((id) => document.getElementById(id).textContent.replaceAll(",", ""))',
    );
    missing.push(Number(all) - Number(inView));
  }
  await load.stop();
  const { starts, counts, revised } = await askStats(server.adminUrl, 'ms10', 'from=0');
  const late = revised.reduce((sum, start) => sum + (counts[starts.indexOf(start)] ?? 0), 0);
  expect(Math.min(...missing)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...missing)).toBeLessThanOrEqual(late);
  await waitUntil(
    'the page has the total',
    async () => (await page.number('all')) === load.answered,
  );
  await page.page.reload();
  await waitUntil('both reach the total', async () => {
    const shown = [await page.number('all'), await page.number('messages')];
    return shown.every((each) => each === load.answered);
  });
});
