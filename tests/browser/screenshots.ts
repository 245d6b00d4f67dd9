/** The states of the dashboard as pictures, of a real server under a load that one can see. */

import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions } from 'playwright-core';
import { onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { Server } from '../support/server.ts';
import { Dashboard } from './support/browser.ts';
import { RhythmLoad } from './support/rhythm.ts';

const folder = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const rhythm = { rate: 4_000, beat: 70, stallMs: 250, stallEveryMs: 11_000 };
const desktop = { viewport: { width: 1280, height: 1000 } };
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
/** More than the minute that the page shows first. */
const trafficMs = 75_000;

test('pictures of every state', async () => {
  const dataDir = await temporaryFolder();
  const flags = ['--node', 'web-1'];
  const first = await Server.start({ dataDir, flags });
  const { port, adminPort, adminUrl } = first;
  await take(adminUrl, 'dashboard-empty', desktop);

  const load = new RhythmLoad(port, rhythm);
  onTestFinished(() => load.stop());
  await setTimeout(trafficMs);
  await take(adminUrl, 'dashboard-light', desktop);
  await take(adminUrl, 'dashboard-dark', { ...desktop, colorScheme: 'dark' });
  await take(adminUrl, 'dashboard-phone', { ...phone, colorScheme: 'dark' });
  const newest = Date.now() - 2_000;
  await take(adminUrl, 'dashboard-zoom', desktop, `#from=${newest - 3_000}&to=${newest}`);

  const page = await Dashboard.open(adminUrl, '', desktop);
  await page.untilLive();
  await load.stop();
  await first.stop();
  await page.untilText('state', 'Server gone');
  await setTimeout(4_000);
  await page.page.screenshot({ path: `${folder}dashboard-server-gone.png` });

  const second = await Server.start({ dataDir, port, adminPort, flags });
  const again = new RhythmLoad(second.port, rhythm);
  onTestFinished(() => again.stop());
  await setTimeout(15_000);
  await take(adminUrl, 'dashboard-gap', { ...desktop, colorScheme: 'dark' });
});

async function take(
  adminUrl: string,
  name: string,
  options: BrowserContextOptions,
  hash = '',
): Promise<void> {
  const page = await Dashboard.open(adminUrl, hash, options);
  await page.untilText('state', hash === '' ? 'Live' : 'Held');
  await setTimeout(2_500);
  await page.page.screenshot({ path: `${folder}${name}.png` });
}
