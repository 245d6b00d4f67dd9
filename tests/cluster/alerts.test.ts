/** Alerts on the sum of a cluster's nodes. */
import { freePort } from '@reto3/bench/src/free-port.ts';
import { expect } from 'vitest';
import { askStats } from '../support/api.ts';
import { startNode } from '../support/cluster.ts';
import { send } from '../support/load.ts';
import { scrape } from '../support/metrics.ts';
import { NatsServers } from '../support/nats.ts';
import { requires } from '../support/requirement.ts';
import { waitUntil } from '../support/wait.ts';
import { webhook } from '../support/webhook.ts';
import { countsOf, sumOf } from '../support/windows.ts';

const withNats = requires('nats-server');

withNats('a merger fires on the sum of its nodes', async () => {
  const nats = await NatsServers.start();
  const port = await freePort();
  const received = await webhook(port);
  const [own, ofAll] = ['sec > 0', 'cluster sec > 0 until < 1 for 3s'];
  const flags = ['--alert-url', `http://127.0.0.1:${port}/`];
  const soon = ['--silent-after', '2s'];
  const nodes = await Promise.all(['a', 'b'].map((name) => startNode({ nats, name })));
  const alerting = ['--alert', own, '--alert', ofAll, ...flags];
  const both = await startNode({ nats, name: 'both', role: 'both', flags: [...alerting, ...soon] });
  // A pure merger has no windows of its own, so a rule watches the cluster by default.
  const usual = 'sec > 0 until < 1 for 3s';
  const merger = await startNode({
    ...{ nats, name: 'm', role: 'merge' },
    flags: ['--alert', usual, ...flags, ...soon],
  });

  const find = (name: string, wanted: string) =>
    received.find(({ message: { node, status } }) => node === name && status === wanted);
  // New mergers finalize nothing until they have listened for a while.
  await waitUntil('both fire', async () => {
    await Promise.all(nodes.map((node) => send(node, 500)));
    return find('both', 'firing') !== undefined && find('m', 'firing') !== undefined;
  });
  for (const server of [both, merger]) {
    const name = server === both ? 'both' : 'm';
    await waitUntil(`the end at ${name} arrives`, () => find(name, 'resolved') !== undefined);
    const end = find(name, 'resolved')?.message;
    if (end === undefined) throw new Error('BUG: a message vanished');
    expect(end).toMatchObject({ alert: server === both ? ofAll : usual, scope: 'cluster' });
    const range = `from=${end.from}&to=${end.to}&scope=cluster`;
    const counts = countsOf(await askStats(server.adminUrl, 'sec', range));
    expect(end.windows).toBe(counts.size);
    // A message may arrive after its window was evaluated; the nodes count these.
    let late = 0;
    for (const node of nodes)
      late += (await scrape(node.adminUrl)).value('reto3_late_messages_total');
    const unseen = sumOf(counts) - end.messages;
    expect(unseen).toBeGreaterThanOrEqual(0);
    expect(unseen).toBeLessThanOrEqual(late);
    const metrics = await scrape(server.adminUrl);
    expect(metrics.value(`reto3_alert_firing{alert="${end.alert}"}`)).toBe(0);
  }
  // The server received no message itself.
  expect(received.map(({ message }) => message.alert)).not.toContain(own);
});
