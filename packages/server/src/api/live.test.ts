import type { Readable } from 'node:stream';
import { errorSchema } from '@reto3/client/answers';
import { allocateWindows, ms10, sec } from '@reto3/core';
import { Coordinator, type Listener, Store } from '@reto3/engine';
import { allocate, RingReader } from '@reto3/engine/ring';
import { VirtualServer } from '@reto3/engine/testing';
import { fastify } from 'fastify';
import { MemoryLevel } from 'memory-level';
import { expect, it, onTestFinished } from 'vitest';
import { eventText, liveRoutes } from './live.ts';
import { LiveFeeds } from './live-feeds.ts';
import { QueryLimiter } from './query-limiter.ts';
import { ReadThrottle } from './read-throttle.ts';

it('an event has the columns of /v1/stats, including revised windows', () => {
  const windows = allocateWindows(3);
  windows.counts.set([7, 0, 5]);
  windows.counted.set([1, 0, 1]);
  windows.revised.set([0, 0, 1]);
  windows.partial.set([1]);
  const chunks = [{ start: 1_000, windows }];
  const text = eventText({
    period: sec,
    from: 1_000,
    to: 4_000,
    finalThrough: 4_010,
    chunks,
    damaged: [],
  });
  const [id, data = ''] = text.split('\ndata: ');
  expect(id).toBe('id: 4000');
  expect(JSON.parse(data)).toEqual({
    period: 'sec',
    windowMs: 1_000,
    from: 1_000,
    to: 4_000,
    finalThrough: 4_010,
    starts: [1_000, 3_000],
    counts: [7, 5],
    revised: [3_000],
    partial: [1_000],
    damaged: [],
    damagedPlaces: 0,
  });
});

/** Flips a bit in every stored ms10 row except the first. */
async function flipAllButFirst(database: MemoryLevel): Promise<void> {
  const raw = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;
  const range = { gt: Buffer.from('!ms10!'), lt: Buffer.from('!ms10"'), ...raw };
  const rows = await database.iterator<Buffer, Buffer>(range).all();
  for (const [key, value] of rows.slice(1)) {
    const flipped = Buffer.from(value);
    flipped[8] = (flipped[8] ?? 0) ^ 1;
    await database.put<Buffer, Buffer>(key, flipped, raw);
  }
}

/** The first `count` events of an answer, as JSON. */
async function eventsOf({ body }: Response, count: number): Promise<Record<string, unknown>[]> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const piece of body ?? []) {
    text += decoder.decode(piece, { stream: true });
    const events = [...text.matchAll(/^data: (.+)\n\n/gm)].map(([, data = '']) => JSON.parse(data));
    if (events.length >= count) return events.slice(0, count);
  }
  throw new Error(`got ${text}, want ${count} events`);
}

it('damage after the newest window has its own event', async () => {
  const startMs = Date.UTC(2016, 4, 28, 11, 11);
  const damagedMinutes = 110;
  const database = new MemoryLevel<string, string>();
  const before = await VirtualServer.on(await Store.open(async () => database), startMs);
  for (let minute = 0; minute <= damagedMinutes; minute++) {
    await before.count(1);
    before.clock.pass(59_000);
  }
  const { clock, store } = before;
  clock.pass(3_600_000);
  // Takes no requests, so no current window follows the damage.
  const coordinator = await Coordinator.open({
    ...{ clock, store, node: 'test', workerCount: 1 },
    anchor: { read: async () => 0, write: async () => undefined },
    journals: before.journals,
    ring: new RingReader(allocate(1)),
    events: { clockStepped: () => undefined, stalled: () => undefined, damaged: () => undefined },
  });
  // Until then the newest minute is in memory, where damage cannot show.
  await coordinator.prepare();
  clock.pass(1_000);
  await coordinator.flusher.beat();
  await flipAllButFirst(database);
  const log = { error: () => undefined };
  const feeds = new LiveFeeds({ coordinator, cluster: undefined }, log);
  const app = fastify({ forceCloseConnections: true });
  onTestFinished(() => {
    feeds.close();
    return app.close();
  });
  app.addSchema(errorSchema);
  await app.register(liveRoutes, {
    feeds,
    queryLimiter: new QueryLimiter(new ReadThrottle(() => 0)),
    streams: new Set<Readable>(),
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });

  const events = await eventsOf(await fetch(`${url}/v1/live?period=ms10&from=${startMs}`), 3);
  const finalThrough = coordinator.sweep();
  expect(events).toMatchObject([
    { from: startMs, to: startMs + ms10.blockMs, damaged: [], damagedPlaces: 0 },
    { from: finalThrough, to: finalThrough, starts: [], damagedPlaces: damagedMinutes },
    { from: finalThrough, damaged: [], damagedPlaces: 0 },
  ]);
  const places = Array.from({ length: 100 }, (_, minute) => ({
    from: startMs + (minute + 1) * ms10.blockMs,
    to: startMs + (minute + 2) * ms10.blockMs,
    reason: 'its checksum does not match',
  }));
  expect(events[1]?.['damaged']).toEqual(places);
});

/** A feed that passes on its only listener; the test uses nothing else of it. */
async function listening(): Promise<{
  readonly listener: Listener;
  readonly left: () => boolean;
  readonly response: Response;
}> {
  let [listener, left]: [Listener | undefined, boolean] = [undefined, false];
  const feed = {
    join: (_: unknown, joins: Listener) => {
      listener = joins;
      return true;
    },
    leave: () => {
      left = true;
    },
  };
  const app = fastify({ forceCloseConnections: true });
  onTestFinished(() => app.close());
  app.addSchema(errorSchema);
  const feeds = { of: () => ({ feed }) } as unknown as LiveFeeds;
  const queryLimiter = new QueryLimiter(new ReadThrottle(() => 0));
  await app.register(liveRoutes, { feeds, queryLimiter, streams: new Set<Readable>() });
  const response = await fetch(`${await app.listen({ host: '127.0.0.1', port: 0 })}/v1/live`);
  if (listener === undefined) throw new Error('BUG: nobody listens');
  return { listener, left: () => left, response };
}

/** An event of about that many bytes, made of digits in its counts. */
function eventOf(bytes: number): Parameters<typeof eventText>[0] {
  const windows = allocateWindows(Math.floor(bytes / 16));
  windows.counted.fill(1);
  const to = windows.counts.length * 1_000;
  return {
    period: sec,
    from: 0,
    to,
    finalThrough: to,
    chunks: [{ start: 0, windows }],
    damaged: [],
  };
}

it('a listener has at most 384 KiB unread, and is cut off beyond that', async () => {
  // Sends all of it at once, so that nothing is read in between.
  const event = eventOf(20 << 10);
  const eventBytes = Buffer.byteLength(eventText(event));
  const most = 384 << 10;
  const fits = Math.floor((most - 100) / eventBytes);

  const reader = await listening();
  for (let count = 0; count < fits; count++) reader.listener.send(event);
  expect(await eventsOf(reader.response, fits)).toHaveLength(fits);

  const tooSlow = await listening();
  // The first ones may have been sent already.
  for (let count = 0; count < fits + 3; count++) tooSlow.listener.send(event);
  const events = (await tooSlow.response.text()).split('\nid: ').length - 1;
  expect(events).toBeLessThanOrEqual(3);
  expect(tooSlow.left()).toBe(true);
});
