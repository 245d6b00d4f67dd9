/** A merger's dashboard: the choice of nodes, and their state. */
import type { Report } from '@reto3/client/answers';
import { expect } from 'vitest';
import { ask, askStats } from '../support/api.ts';
import { burst, others, sendBurst } from '../support/burst.ts';
import { startNode } from '../support/cluster.ts';
import { send } from '../support/load.ts';
import { NatsServers } from '../support/nats.ts';
import { requires } from '../support/requirement.ts';
import type { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';
import { expectAccessible } from './support/accessible.ts';
import { Dashboard, program } from './support/browser.ts';
import { RhythmLoad } from './support/rhythm.ts';

const test = requires(program, 'nats-server');

/** The messages of a range, for a page that shows it. */
async function sumOf(page: Dashboard, server: Server, query: string): Promise<number> {
  const stats = await askStats(server.adminUrl, 'ms10', query);
  await page.reloadIfRevised(stats);
  return stats.counts.reduce((sum, count) => sum + count, 0);
}

test('shows one node or all of them, and their state', async () => {
  const nats = await NatsServers.start();
  const a = await startNode({ nats, name: 'web-a', role: 'both' });
  const b = await startNode({ nats, name: 'web-b' });
  RhythmLoad.start(a.port, { rate: 300 });
  RhythmLoad.start(b.port, { rate: 900 });
  const page = await Dashboard.open(a.adminUrl);
  await page.untilLive();
  await page.untilText('node', 'web-a');
  await waitUntil('requests come', async () => (await page.number('rate')) > 100);
  await waitUntil('the list has both nodes', async () => {
    const rows = await page.page.locator('#nodes-rows tr').allInnerTexts();
    return rows.length === 2 && rows.every((row) => /^web-[ab]\tlive\t[1-9]/.test(row));
  });

  await page.page.click('button[data-scope="cluster"]');
  await page.untilText('node', 'cluster');
  await page.untilText('all', '2');
  await page.untilLive();
  await waitUntil('all requests are there', async () => (await page.number('rate')) > 800);
  await page.page.click('#live');
  await page.untilText('state', 'Paused');
  const { from, to } = await page.heldRange();
  expect(page.page.url()).toMatch(/&scope=cluster$/);
  const range = `from=${from}&to=${to}`;
  const all = await sumOf(page, a, `${range}&scope=cluster`);
  expect(all).toBe((await sumOf(page, a, range)) + (await sumOf(page, b, range)));
  await page.untilText('messages', all.toLocaleString('en-US'));
  await page.page.locator('#bursts').scrollIntoViewIfNeeded();
  await page.untilText('bursts-shown', / UTC/);
  await expectAccessible(page, 'cluster');

  // The address keeps the choice; the keyboard switches back.
  await page.page.reload();
  await page.untilText('messages', all.toLocaleString('en-US'));
  await page.page.focus('button[data-scope="node"]');
  await page.page.keyboard.press('Enter');
  const own = await sumOf(page, a, range);
  await page.untilText('messages', own.toLocaleString('en-US'));
  await page.untilText('node', 'web-a');

  await b.stop();
  await page.page.click('button[data-scope="cluster"]');
  await page.untilText('all-note', 'not web-b');
});

test('shows a single node, chosen in the header, in the table or by the address', async () => {
  const nats = await NatsServers.start();
  const nodes = await Promise.all(
    ['web-a', 'web-b'].map((name) => startNode({ nats, name, role: 'ingest' })),
  );
  const merger = await startNode({ nats, name: 'sum', role: 'merge' });
  for (const [index, node] of nodes.entries())
    RhythmLoad.start(node.port, { rate: 300 + 600 * index });
  const [a, b] = nodes as [Server, Server];
  const page = await Dashboard.open(merger.adminUrl);
  await page.untilLive();
  await page.untilText('node', 'cluster');
  // A pure merger counts nothing itself.
  expect(await page.page.locator('button[data-scope="node"]').isVisible()).toBe(false);
  await page.page.locator('#one-node option[value="web-b"]').waitFor({ state: 'attached' });

  // The keyboard works as in any list.
  await page.page.focus('#one-node');
  await page.page.keyboard.press('ArrowDown');
  await page.page.keyboard.press('ArrowDown');
  await page.untilText('node', 'web-b');
  await page.untilLive();
  await waitUntil('its requests are there', async () => (await page.number('rate')) > 600);
  await page.untilText('all-name', 'Share of cluster');
  await waitUntil('its share', async () => /^7\d/.test(await page.text('all')));
  await page.page.click('#live');
  await page.untilText('state', 'Paused');
  const { from, to } = await page.heldRange('that of web-b');
  expect(page.page.url()).toMatch(/&scope=cluster&node=web-b$/);
  const range = `from=${from}&to=${to}`;
  const ofB = (await sumOf(page, b, range)).toLocaleString('en-US');
  await page.untilText('messages', ofB);
  await page.page.locator('#bursts').scrollIntoViewIfNeeded();
  await page.untilText('bursts-shown', / UTC/);
  await expectAccessible(page, 'one node');

  await page.page.reload();
  await page.untilText('node', 'web-b');
  await page.untilText('messages', ofB);
  await page.page.locator('#nodes-rows button', { hasText: 'web-a' }).press('Enter');
  await page.untilText('node', 'web-a');
  await page.untilText('messages', (await sumOf(page, a, range)).toLocaleString('en-US'));
  expect(await page.page.locator('#one-node').inputValue()).toBe('web-a');
  await page.page.click('button[data-scope="cluster"]');
  await page.untilText('node', 'cluster');
  const all = await sumOf(page, merger, `${range}&scope=cluster`);
  await page.untilText('messages', all.toLocaleString('en-US'));

  const stranger = await Dashboard.open(merger.adminUrl, '#live=60000&scope=cluster&node=web-z', {
    mayRefuse: true,
  });
  await stranger.untilText('trouble', 'got node "web-z"; the cluster has web-a, web-b');
  await stranger.page.locator('#one-node').selectOption('web-a');
  await stranger.untilLive();
  await stranger.untilText('node', 'web-a');
  await stranger.untilText('trouble', '');
});

test('names who was behind a burst of the cluster, and the keys of one node', async () => {
  const nats = await NatsServers.start();
  const flags = ['--report', 'by:path'];
  const [a, b] = (await Promise.all(
    ['web-a', 'web-b'].map((name) => startNode({ nats, name, role: 'ingest', flags })),
  )) as [Server, Server];
  const merger = await startNode({ nats, name: 'sum', role: 'merge' });
  const from = Date.now() - 1_000;
  await Promise.all([sendBurst(a.port), send(b, 500)]);
  const to = Date.now();
  await waitUntil('the rows of both are final', async () => {
    const query = `scope=cluster&from=${from}&to=${to}&total=true`;
    const report: Promise<Report> = ask(merger.adminUrl, '/v1/reports/by:path', query);
    // At first the merger does not know the report.
    const { rows } = await report.catch(() => ({ rows: [] }));
    return rows.reduce((sum, row) => sum + Number(row[2]), 0) === burst + others + 500;
  });
  const hash = `#from=${from}&to=${to}&scope=cluster`;
  const page = await Dashboard.open(merger.adminUrl, hash);
  await page.untilText('since', /^Added up by sum · sum started, /);
  await page.page.locator('#bursts').scrollIntoViewIfNeeded();
  await page.untilText('bursts-total', /^\d+ /);
  await page.page.click('#bursts-rows tr:nth-child(1) button');
  await page.untilText('who-shown', /^\S+ made \d+(\.\d+)? % of it, and /);
  await page.page.selectOption('#who-key', 'host');
  await page.untilText('who-shown', /^Not known: no node runs the report by:host /);
  await page.page.click('#bursts-back');

  const keys = async () => page.page.locator('#keys-key li').allInnerTexts();
  await waitUntil('the keys of both are there', async () => {
    const listed = await keys();
    return [`/checkout ${burst}`, '/ 500'].every((text) => listed.includes(text));
  });
  await page.page.locator('#one-node').selectOption('web-b');
  await waitUntil('those of web-b alone', async () => (await keys()).join() === '/ 500');
  await expectAccessible(page, 'one node and its keys');
});

test('a pure merger opens with the cluster; without a cluster there is no switch', async () => {
  const nats = await NatsServers.start();
  const a = await startNode({ nats, name: 'web-a' });
  const merger = await startNode({ nats, name: 'sum', role: 'merge' });
  RhythmLoad.start(a.port, { rate: 300 });
  const page = await Dashboard.open(merger.adminUrl);
  await page.untilText('node', 'cluster');
  await waitUntil('its requests are there', async () => (await page.number('rate')) > 100);
  // Nobody has scrolled to the list, and the cluster was new when the page opened.
  await page.untilText('bursts-shown', /UTC$/);
  await page.untilText('messages-note', 'no gap');

  const alone = await Dashboard.open(a.adminUrl, '#live=60000&scope=node');
  await alone.untilLive();
  await alone.untilText('node', 'web-a');
  expect(await alone.page.locator('#scope').isVisible()).toBe(false);
  expect(await alone.page.locator('#nodes').isVisible()).toBe(false);
});
