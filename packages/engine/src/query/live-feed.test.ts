import { countedRows, ms10, type Period, sec } from '@reto3/core';
import { MemoryLevel } from 'memory-level';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Store } from '../store/store.ts';
import { VirtualServer } from '../testing/virtual-server.ts';
import { type LiveEvent, LiveFeed } from './live-feed.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11, 11);

describe('LiveFeed', () => {
  let server: VirtualServer;
  let feed: LiveFeed;
  let mistakes: unknown[];

  beforeEach(async () => {
    vi.useFakeTimers();
    const store = await Store.open(async () => new MemoryLevel<string, string>());
    server = await VirtualServer.on(store, startMs);
    mistakes = [];
    feed = new LiveFeed(server.coordinator, (error) => mistakes.push(error));
  });

  afterEach(() => {
    feed.close();
    vi.useRealTimers();
  });

  function pass(ms: number): void {
    for (let left = ms; left > 0; left -= 10) {
      server.add();
      server.clock.pass(10);
      vi.advanceTimersByTime(10);
    }
  }

  function listen(period: Period, from?: number, everyMs?: number) {
    const events: LiveEvent[] = [];
    let dropped = 0;
    const listener = {
      send: (event: LiveEvent) => events.push(event),
      drop: () => {
        dropped++;
      },
    };
    const joined = feed.join(period, listener, from, everyMs);
    const rows = () =>
      events.flatMap(({ chunks }) => chunks.flatMap((chunk) => [...countedRows(chunk, period)]));
    return { joined, listener, events, rows, dropped: () => dropped };
  }

  it('sends every window once, in order, as soon as it is final', () => {
    const { rows, events } = listen(ms10);
    pass(1_000);
    const starts = rows().map(([start]) => start);
    expect(starts.at(0)).toBe(startMs);
    expect(starts.at(-1)).toBe(server.clock.wallMs - 30);
    expect(starts).toEqual(starts.map((_, index) => startMs + index * 10));
    expect(rows().every(([, count]) => count === 1)).toBe(true);
    for (const [index, event] of events.entries()) {
      expect(event.to).toBeLessThanOrEqual(event.finalThrough);
      if (index > 0) expect(event.from).toBe(events[index - 1]?.to);
    }
  });

  it('sends longer events to a listener that asks for them, with the same windows', () => {
    const all = listen(ms10);
    const few = listen(ms10, undefined, 50);
    pass(1_000);
    expect(few.events.slice(1).map(({ from, to }) => to - from)).toEqual(Array(20).fill(50));
    const shared = all.rows().filter(([start]) => start < (few.events.at(-1)?.to ?? 0));
    expect(few.rows()).toEqual(shared);
    expect(all.events.length).toBeGreaterThan(95);
  });

  it('sends the same event to all listeners of a period and step', () => {
    const [first, second] = [listen(ms10, undefined, 50), listen(ms10, undefined, 50)];
    pass(500);
    expect(first.events.length).toBeGreaterThan(5);
    for (const [index, event] of first.events.entries())
      if (index > 0) expect(second.events[index]).toBe(event);
  });

  it('sends an empty event at once, which says where the stream begins', () => {
    pass(500);
    const { events, rows } = listen(ms10);
    expect(events.map(({ from, to }) => [from, to])).toEqual([
      [server.clock.wallMs - 20, server.clock.wallMs - 20],
    ]);
    expect(rows()).toEqual([]);
  });

  it('first sends what a listener misses', () => {
    pass(3_000);
    const { rows } = listen(ms10, startMs + 1_000);
    expect(rows().at(0)).toEqual([startMs + 1_000, 1]);
    pass(50);
    expect(rows().at(-1)?.[0]).toBe(server.clock.wallMs - 30);
  });

  it('refuses a listener that misses windows from before the start of the server', () => {
    pass(100);
    expect(listen(ms10, startMs - 10_000).joined).toBe(false);
  });

  it('adds ms10 windows up to seconds', () => {
    const { rows } = listen(sec);
    pass(2_500);
    expect(rows()).toEqual([
      [startMs, 100],
      [startMs + 1_000, 100],
    ]);
  });

  it('sends the total of all messages before the end of each event', () => {
    pass(2_000);
    const all = listen(ms10);
    const seconds = listen(sec, startMs);
    pass(1_500);
    // `pass` adds one message every 10 ms.
    for (const { to, messagesInAll } of [...all.events, ...seconds.events])
      expect(messagesInAll).toBe((to - startMs) / 10);
    expect(all.events.length).toBeGreaterThan(100);
    expect(seconds.rows()).toHaveLength(3);
  });

  it('drops its listeners when the clock steps back', () => {
    const { dropped } = listen(ms10);
    pass(1_000);
    server.clock.step(-10_000);
    pass(50);
    expect(dropped()).toBe(1);
  });

  it('drops its listeners when the source cannot be read, and serves them again later', () => {
    const { events, listener, dropped } = listen(ms10);
    pass(100);
    vi.spyOn(server.coordinator, 'minutesInMemory').mockImplementationOnce(() => {
      throw new Error('IO error: /data/000005.ldb: Input/output error');
    });
    pass(100);
    expect(dropped()).toBe(1);
    const sent = events.length;
    expect(feed.join(ms10, listener, events.at(-1)?.to)).toBe(true);
    pass(100);
    expect(events.length).toBeGreaterThan(sent + 5);
    expect(events[sent]?.from).toBe(events[sent - 1]?.to);
    expect(mistakes).toEqual([]);
  });

  it('tells its owner of a mistake in the code, and goes on without its listeners', () => {
    const mistake = new TypeError('x is not a function');
    const listener = { send: vi.fn<(event: LiveEvent) => void>(), drop: vi.fn() };
    vi.spyOn(server.coordinator, 'sweep').mockImplementationOnce(() => {
      throw mistake;
    });
    expect(() => feed.join(ms10, listener)).toThrow(mistake);
    expect(mistakes.splice(0)).toEqual([mistake]);
    feed.join(ms10, listener);
    listener.send.mockImplementationOnce(() => {
      throw mistake;
    });
    pass(100);
    expect(mistakes).toEqual([mistake]);
    expect(listener.drop).toHaveBeenCalledTimes(1);
    feed.join(ms10, listener);
    const sent = listener.send.mock.calls.length;
    pass(100);
    expect(listener.send.mock.calls.length).toBeGreaterThan(sent + 5);
  });

  it('ticks no more often than its fastest listener needs', () => {
    const sweep = vi.spyOn(server.coordinator, 'sweep');
    listen(ms10, undefined, 100);
    listen(sec);
    pass(2_000);
    expect(sweep.mock.calls.length).toBeLessThan(30);
    const { rows } = listen(ms10);
    pass(1_000);
    expect(sweep.mock.calls.length).toBeGreaterThan(100);
    expect(rows().at(-1)?.[0]).toBe(server.clock.wallMs - 30);
  });

  it('sets no timer while there are no listeners', () => {
    const { listener } = listen(ms10);
    expect(vi.getTimerCount()).toBe(1);
    feed.leave(listener);
    expect(vi.getTimerCount()).toBe(0);
  });
});
