import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { allocateWindows, type Period, type Scope, sec } from '@reto3/core';
import type { Listener } from '@reto3/engine';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Alerts } from './alerts.ts';
import { parseRule } from './rule.ts';

/** Far longer than anything here takes. */
const patience = { timeout: 30_000, interval: 5 };

/** A feed that the test controls. */
class Feed {
  readonly listeners = new Map<Period, Listener>();
  joins = 0;
  /** Thrown by the next join. */
  failure: Error | undefined;

  join(period: Period, listener: Listener): boolean {
    this.joins++;
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    this.listeners.set(period, listener);
    return true;
  }

  leave(left: Listener): void {
    for (const [period, listener] of this.listeners)
      if (listener === left) this.listeners.delete(period);
  }

  /** Sends counts of consecutive seconds; null is a gap. @param partial indices of partial ones */
  give(start: number, counts: readonly (number | null)[], partial: readonly number[] = []): void {
    const windows = allocateWindows(counts.length);
    for (const [index, count] of counts.entries()) {
      windows.counts[index] = count ?? 0;
      windows.counted[index] = count === null ? 0 : 1;
      windows.partial[index] = partial.includes(index) ? 1 : 0;
    }
    const to = start + counts.length * sec.windowMs;
    this.listeners.get(sec)?.send({
      period: sec,
      from: start,
      to,
      finalThrough: to,
      chunks: [{ start, windows }],
      damaged: [],
    });
  }
}

async function begin(texts: readonly string[], defaultScope: Scope = 'node') {
  const received: { status: string; id: string; from: number; alert: string; scope: Scope }[] = [];
  const server = createServer(async (request, response) => {
    received.push(JSON.parse(await text(request)));
    response.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('BUG: no TCP address');
  const feeds = { node: new Feed(), cluster: new Feed() };
  const rules = texts.map((each) => {
    const rule = parseRule(each);
    if (typeof rule === 'string') throw new Error(rule);
    return rule;
  });
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), fatal: vi.fn() };
  const receiver = { url: `http://127.0.0.1:${address.port}/`, token: undefined };
  const alerts = Alerts.begin({
    ...{ rules, receiver, node: 'web-1', startedAt: 7, log },
    feedOf: (scope) => feeds[scope],
    defaultScope,
  });
  onTestFinished(() => alerts.stop());
  return { alerts, feed: feeds.node, cluster: feeds.cluster, received };
}

test('a partial window, as at a start, fires no rule with <, but may be a burst', async () => {
  const { feed, received } = await begin(['sec < 500', 'sec > 5']);
  // A server that starts late in a second at 1,000 messages per second.
  feed.give(0, [40, 1_000, 400], [0]);
  await expect.poll(() => received.length, patience).toBe(2);
  expect(received.map(({ alert, from }) => [alert, from])).toEqual([
    ['sec > 5', 0],
    ['sec < 500', 2_000],
  ]);
});

test('each episode has an id of its own, the same when it fires and when it resolves', async () => {
  const { feed, received } = await begin(['sec > 5', 'sec > 8 for 2s']);
  expect(feed.joins).toBe(1);
  feed.give(0, [6, 9, 9, 1, 7]);
  await expect.poll(() => received.length, patience).toBe(5);
  expect(received.map(({ status, id }) => [status, id])).toEqual([
    ['firing', 'web-1-7-1'],
    ['firing', 'web-1-7-2'],
    ['resolved', 'web-1-7-1'],
    ['firing', 'web-1-7-3'],
    ['resolved', 'web-1-7-2'],
  ]);
});

test('when the feed breaks off, runs start anew, and it is joined again', async () => {
  const { feed, received } = await begin(['sec > 5 for 2s']);
  feed.give(0, [6]);
  const listener = feed.listeners.get(sec);
  feed.listeners.clear();
  listener?.drop();
  await expect.poll(() => feed.joins, patience).toBe(2);
  // Contiguous in time, although the feed was interrupted.
  feed.give(1_000, [6]);
  feed.give(2_000, [6]);
  await expect.poll(() => received.length, patience).toBe(1);
  expect(received[0]).toMatchObject({ status: 'firing', from: 1_000 });
});

test('a feed that cannot be read is joined once it can', async () => {
  const { feed, received } = await begin(['sec > 5']);
  const listener = feed.listeners.get(sec);
  feed.listeners.clear();
  feed.failure = new Error('IO error: /data/cluster/000005.ldb: Input/output error');
  listener?.drop();
  await expect.poll(() => feed.listeners.size, patience).toBe(1);
  expect(feed.joins).toBe(3);
  feed.give(0, [6]);
  await expect.poll(() => received.length, patience).toBe(1);
});

test('a rule with `cluster` watches the sum of the nodes, the others this server', async () => {
  const { feed, cluster, received } = await begin(['sec > 5', 'cluster sec > 50', 'sec < 2']);
  expect([feed.joins, cluster.joins]).toEqual([1, 1]);
  feed.give(0, [60]);
  cluster.give(0, [1, 60]);
  await expect.poll(() => received.length, patience).toBe(2);
  expect(received.map(({ alert, scope, from }) => [alert, scope, from])).toEqual([
    ['sec > 5', 'node', 0],
    ['cluster sec > 50', 'cluster', 1_000],
  ]);
});

test('a server that counts nothing itself watches the sum by every rule', async () => {
  const { feed, cluster, received } = await begin(['sec > 5', 'cluster sec > 6'], 'cluster');
  expect([feed.joins, cluster.joins]).toEqual([0, 1]);
  cluster.give(0, [7]);
  await expect.poll(() => received.length, patience).toBe(2);
  expect(received.map(({ scope }) => scope)).toEqual(['cluster', 'cluster']);
});

test('after a stop nothing is joined and nothing fires', async () => {
  const { alerts, feed, cluster, received } = await begin(['sec > 5', 'cluster sec > 5']);
  const listener = feed.listeners.get(sec);
  await alerts.stop();
  expect([feed.listeners.size, cluster.listeners.size]).toEqual([0, 0]);
  listener?.drop();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(feed.joins).toBe(1);
  expect(received).toEqual([]);
});
