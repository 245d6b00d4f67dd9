/**
 * Screenshots of the dashboard with real servers: one under the challenge's load, 5,000 requests/s
 * from Tsung; two nodes of a cluster under a load with a visible rhythm; and a burst of one path.
 */

import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions } from 'playwright-core';
import { startNode } from '../support/cluster.ts';
import { temporaryFolder } from '../support/folder.ts';
import { NatsServers } from '../support/nats.ts';
import { exchange } from '../support/raw-http.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { runTsung } from '../support/tsung.ts';
import { Dashboard, program } from './support/browser.ts';
import { RhythmLoad } from './support/rhythm.ts';

const folder = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const desktop = { viewport: { width: 1280, height: 1000 } };
const dark = { ...desktop, colorScheme: 'dark' } as const;
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
/** Longer than the minute that the page shows first, plus time for the pictures. */
const trafficMs = 62_000;
const picturesSeconds = 26;

requires(program, 'tsung')("one server under the challenge's load", async () => {
  const dataDir = await temporaryFolder();
  const flags = ['--node', 'web-1'];
  const first = await Server.start({ dataDir, flags });
  const { port, adminPort, adminUrl } = first;
  await take(adminUrl, 'dashboard-empty', desktop);

  const load = runTsung(port, trafficMs / 1_000 + picturesSeconds);
  await setTimeout(trafficMs);
  await take(adminUrl, 'dashboard-light', desktop);
  await take(adminUrl, 'dashboard-dark', dark);
  await take(adminUrl, 'dashboard-phone', { ...phone, colorScheme: 'dark' });
  const newest = Date.now() - 2_000;
  await take(adminUrl, 'dashboard-zoom', desktop, `#from=${newest - 3_000}&to=${newest}`);
  const lost = await Dashboard.open(adminUrl, '', desktop);
  await lost.untilLive();
  await load;

  await first.stop();
  await lost.untilText('state', 'Disconnected');
  await setTimeout(4_000);
  await lost.page.screenshot({ path: `${folder}dashboard-server-gone.png` });

  const second = await Server.start({ dataDir, port, adminPort, flags });
  const again = runTsung(second.port, 16);
  await setTimeout(12_000);
  await take(adminUrl, 'dashboard-gap', dark);
  await again;
});

requires(program, 'nats-server')('a cluster and its bursts', async () => {
  const nats = await NatsServers.start();
  const nodes = await Promise.all([
    startNode({ nats, name: 'web-1', role: 'both' }),
    startNode({ nats, name: 'web-2' }),
  ]);
  for (const [index, { port }] of nodes.entries()) {
    const rhythm = { rate: 1_000 + 500 * index, beat: 30, stallMs: 250, stallEveryMs: 11_000 };
    RhythmLoad.start(port, rhythm);
  }
  await setTimeout(trafficMs);
  const adminUrl = nodes[0]?.adminUrl ?? '';
  const tall = { ...dark, viewport: { width: 1280, height: 1700 } };
  await take(adminUrl, 'dashboard-cluster', tall, '#live=60000&scope=cluster');
  const light = { ...tall, colorScheme: 'light' } as const;
  await take(adminUrl, 'dashboard-node', light, '#live=60000&scope=cluster&node=web-2');
});

requires(program)('a burst, and who was behind it', async () => {
  const flags = ['--archive', '--report', 'by:path'];
  const server = await Server.start({ dataDir: await temporaryFolder(), flags });
  const load = RhythmLoad.start(server.port, { rate: 400, paths: 20 });
  const from = Date.now();
  await setTimeout(2_500);
  const path = '/checkout/retry';
  await exchange(server.port, [get(path).repeat(150), get(path).repeat(150)], 300);
  await setTimeout(2_500);
  await load.stop();
  const to = Date.now();
  await setTimeout(2_000);
  for (const [name, options] of Object.entries({ light: desktop, dark, phone })) {
    const page = await Dashboard.open(server.adminUrl, `#from=${from}&to=${to}`, options);
    await page.page.locator('#bursts').scrollIntoViewIfNeeded();
    await page.page.click('#bursts-rows tr:nth-child(1) button');
    await page.untilText('who-shown', /made/);
    await page.untilText('keys-shown', 'per 10 ms');
    await page.page.screenshot({ path: `${folder}dashboard-who-${name}.png`, fullPage: true });
  }
});

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: shop.example\r\n\r\n`;
}

async function take(
  adminUrl: string,
  name: string,
  options: BrowserContextOptions,
  hash = '',
): Promise<void> {
  const page = await Dashboard.open(adminUrl, hash, options);
  await page.untilText('state', hash.startsWith('#from') ? 'Paused' : 'Live');
  await setTimeout(2_000);
  await page.page.screenshot({ path: `${folder}${name}.png` });
}
