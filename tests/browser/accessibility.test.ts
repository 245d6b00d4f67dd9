/** axe-core finds no violation in any state of the page, and the page fits on a phone. */
import { fillStore } from '@reto3/bench/src/day/store.ts';
import { expect } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';
import { expectAccessible } from './support/accessible.ts';
import { Dashboard, program } from './support/browser.ts';
import { RhythmLoad } from './support/rhythm.ts';

const test = requires(program);
const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

for (const colorScheme of ['light', 'dark'] as const) {
  test(`is accessible in ${colorScheme} colours, in every state`, async () => {
    const server = await Server.start({ dataDir: await temporaryFolder() });
    const page = await Dashboard.open(server.adminUrl, '', { colorScheme });
    await page.untilLive();
    await expectAccessible(page, 'empty');

    const load = RhythmLoad.start(server.port, { rate: 1_000, beat: 50 });
    await waitUntil('the page shows requests', async () => (await page.number('rate')) > 300);
    await page.page.click('#table-title');
    await page.page.click('#live');
    await page.page.locator('#bursts').scrollIntoViewIfNeeded();
    await page.untilText('bursts-shown', / UTC/);
    await expectAccessible(page, 'held, with its table');

    await page.page.click('#help');
    await expectAccessible(page, 'help');
    await page.page.keyboard.press('Escape');

    await load.stop();
    await server.stop();
    await page.untilText('state', 'Disconnected');
    await expectAccessible(page, 'server gone');
  });
}

test('fits on a phone, without horizontal scrolling', async () => {
  const flags = ['--node', 'a-name-as-long-as-names-of-nodes-may-be-which-is-64-characters_'];
  const server = await Server.start({ dataDir: await temporaryFolder(), flags });
  const page = await Dashboard.open(server.adminUrl, '', phone);
  await page.untilLive();
  await page.page.tap('#table-title');
  await page.untilText('table-shown', /newest first$/);
  await page.untilText('node', /^a-name-/);
  expect(await page.page.evaluate('document.documentElement.scrollWidth')).toBe(
    phone.viewport.width,
  );
  await expectAccessible(page, 'phone');

  // Drag one finger to the right, to go back in time.
  await page.page.locator('.u-over').scrollIntoViewIfNeeded();
  const box = await page.page.locator('.u-over').boundingBox();
  if (box === null) throw new Error('got no chart');
  const session = await page.page.context().newCDPSession(page.page);
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', share: number) =>
    session.send('Input.dispatchTouchEvent', {
      type,
      touchPoints:
        type === 'touchEnd' ? [] : [{ x: box.x + box.width * share, y: box.y + box.height - 20 }],
    });
  await touch('touchStart', 0.2);
  for (const share of [0.3, 0.4, 0.5, 0.6, 0.7]) await touch('touchMove', share);
  await touch('touchEnd', 0.7);
  await page.untilText('state', 'Paused');
});

test('a table wider than a phone has a shadow where it continues', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  RhythmLoad.start(server.port, { rate: 1_000, beat: 50 });
  const page = await Dashboard.open(server.adminUrl, '', {
    ...phone,
    viewport: { width: 320, height: 740 },
  });
  const bursts = page.page.locator('#bursts-list');
  await page.page.locator('#bursts').scrollIntoViewIfNeeded();
  // A held view might be too young to contain a beat.
  await bursts.locator('tbody tr').first().waitFor({ state: 'visible' });
  const { hidden, shadows } = await page.page.evaluate<{
    hidden: number;
    shadows: number;
  }>(`(() => {
    const table = document.querySelector('#bursts-list');
    const { backgroundImage } = getComputedStyle(table);
    return {
      hidden: table.scrollWidth - table.clientWidth,
      shadows: backgroundImage.split('linear-gradient').length - 1,
    };
  })()`);
  expect(hidden).toBeGreaterThan(0);
  // A shadow on each side, and a cover for each that hides it at the table's end.
  expect(shadows).toBe(4);
});

test('shows all figures on the narrowest screen, like an ordinary one at 400 % zoom', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const narrow = { viewport: { width: 320, height: 640 } };
  const hour = Date.UTC(2016, 4, 28);
  const page = await Dashboard.open(
    server.adminUrl,
    `#from=${hour}&to=${hour + 3_598_000}`,
    narrow,
  );
  await page.untilText('messages-note', '59 min 58 s not counted');
  await page.untilText('final', /\.\d{3}$/);
  const cut = await page.page
    .locator('.tiles dd, .legend')
    .evaluateAll((parts) =>
      parts.filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.textContent),
    );
  expect(cut).toEqual([]);

  // The dialog is longer than the screen: it opens at its beginning, and you can reach its end.
  await page.page.click('#help');
  const dialog = page.page.locator('#help-dialog');
  expect(await dialog.evaluate((element) => element.scrollTop)).toBe(0);
  const keys = dialog.locator('dl');
  expect(await keys.evaluate((list) => list.scrollHeight - list.clientHeight)).toBe(0);
  await page.page.keyboard.press('Tab');
  await page.page.keyboard.press('Enter');
  expect(await dialog.isVisible()).toBe(false);
});

test('shows figures of twelve digits in one line, at any width but the narrowest', async () => {
  const dataDir = await temporaryFolder();
  const to = Math.floor(Date.now() / 60_000) * 60_000 - 60_000;
  const from = to - 600_000;
  await fillStore(dataDir, { from, to }, () => 16_666_662);
  const server = await Server.start({ dataDir });
  const page = await Dashboard.open(server.adminUrl, `#from=${from}&to=${to}`);
  await page.untilText('messages', '999,999,720,000');
  await page.untilText('all', '999,999,720,000');
  await page.untilText('final', /\.\d{3}$/);
  for (const width of [320, 360, 620, 621, 1_080, 1_081, 1_240, 1_241, 1_280]) {
    await page.page.setViewportSize({ width, height: 800 });
    const bad = await page.page
      .locator('.tiles dd:not(.note)')
      .evaluateAll(
        (figures, mayWrap) =>
          figures
            .filter(
              (each) => each.scrollWidth > each.clientWidth || (!mayWrap && each.clientHeight > 40),
            )
            .map((each) => each.textContent),
        width === 320,
      );
    expect([width, ...bad]).toEqual([width]);
  }
});

test('shows the selection in forced-colours mode', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const page = await Dashboard.open(server.adminUrl, '', { forcedColors: 'active' });
  await page.untilLive();
  const fill = (spanMs: number) =>
    page.page.evaluate(
      `getComputedStyle(document.querySelector('[data-span="${spanMs}"]')).backgroundColor`,
    );
  expect(await fill(60_000)).not.toBe(await fill(3_600_000));
});
