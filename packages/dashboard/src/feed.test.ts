/** The feed survives sleep, clock steps, silence and busy servers. */
import type { LiveEvent } from '@reto3/client/answers';
import { beforeEach, expect, test, vi } from 'vitest';
import { ApiError, type Client } from './client.ts';
import { Feed } from './feed.ts';

const start = Date.UTC(2026, 10, 30, 9);
const hourMs = 3_600_000;
const page = new EventTarget();

beforeEach(() => {
  vi.useFakeTimers({ now: start });
  vi.stubGlobal('document', Object.assign(page, { hidden: false }));
  return () => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  };
});

/** One connection to a server that sends only what the test says. */
class Connection {
  readonly since: string | number;
  readonly alive: () => void;
  #queue: (LiveEvent | Error | undefined)[] = [];
  #wake = (): void => undefined;

  constructor(since: string | number, alive: () => void) {
    this.since = since;
    this.alive = alive;
  }

  /** An event up to a time, with one window; an error; or the end. */
  send(next: number | Error | undefined): void {
    this.#queue.push(typeof next === 'number' ? eventUpTo(next) : next);
    this.#wake();
  }

  async *events(signal: AbortSignal): AsyncGenerator<LiveEvent> {
    for (;;) {
      // As some browsers do, throws an error of its own and not the reason.
      if (signal.aborted) throw new DOMException('aborted', 'AbortError');
      if (this.#queue.length === 0)
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          signal.addEventListener('abort', () => resolve());
        });
      if (signal.aborted) continue;
      const next = this.#queue.shift();
      if (next === undefined) return;
      if (next instanceof Error) throw next;
      yield next;
    }
  }
}

function eventUpTo(to: number): LiveEvent {
  return {
    ...{ period: 'ms10', windowMs: 10, from: to - 10, to, finalThrough: to },
    ...{ starts: [to - 10], counts: [1], revised: [], partial: [], damaged: [], damagedPlaces: 0 },
  };
}

async function begin() {
  const connections: Connection[] = [];
  const changes: string[] = [];
  const client: Pick<Client, 'live' | 'selector'> = {
    selector: { scope: 'node' },
    live: (_, since, onActivity, signal) => {
      const connection = new Connection(since, onActivity);
      connections.push(connection);
      return connection.events(signal);
    },
  };
  const feed = new Feed(client, {
    moved: () => undefined,
    changed: (state, reason) => changes.push(reason === '' ? state : `${state}: ${reason}`),
  });
  void feed.run();
  await vi.advanceTimersByTimeAsync(0);
  const newest = (): Connection => {
    const connection = connections.at(-1);
    if (connection === undefined) throw new Error('BUG: the feed does not connect');
    return connection;
  };
  return { feed, changes, connections, newest };
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

test('after an hour of sleep it asks for minutes, though performance.now() stood still', async () => {
  const { newest } = await begin();
  newest().send(start);
  await settle();
  vi.setSystemTime(start + hourMs);
  newest().send(undefined);
  await vi.advanceTimersByTimeAsync(250);
  expect(newest().since).toBe('310000ms');
});

test('after a short interruption it asks for what it lacks', async () => {
  const { newest, changes } = await begin();
  newest().send(start);
  await settle();
  newest().send(undefined);
  await vi.advanceTimersByTimeAsync(250);
  expect(newest().since).toBe(start);
  expect(changes).toEqual(['open', 'lost']);
});

test("after the server's clock stepped back it starts over, instead of showing a gap", async () => {
  const { feed, newest, changes, connections } = await begin();
  newest().send(start);
  await settle();
  newest().send(undefined);
  await vi.advanceTimersByTimeAsync(250);
  newest().send(start - hourMs);
  await settle();
  expect(connections).toHaveLength(3);
  expect(newest().since).toBe('310000ms');
  newest().send(start - hourMs);
  await settle();
  expect(feed.finalThrough).toBe(start - hourMs);
  expect(changes).toEqual(['open', 'lost', 'connecting', 'open']);
});

test('says what a server reports that cannot serve it', async () => {
  const { newest, changes } = await begin();
  newest().send(new ApiError(503, '200 clients already follow live windows'));
  await vi.advanceTimersByTimeAsync(250);
  newest().send(new TypeError('Failed to fetch'));
  await settle();
  expect(changes).toEqual(['lost: 200 clients already follow live windows', 'lost']);
});

test('notices a connection on which nothing ever arrives, as behind a proxy that buffers', async () => {
  const { changes, connections } = await begin();
  await vi.advanceTimersByTimeAsync(22_000);
  expect(changes).toEqual(['lost: no data for 20 s']);
  expect(connections.length).toBeGreaterThan(1);
});

test('waits for a long event on a slow link, but not for a silent server', async () => {
  const { newest, changes } = await begin();
  newest().send(start);
  for (let seconds = 0; seconds < 30; seconds++) {
    newest().alive();
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(changes).toEqual(['open']);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(changes).toEqual(['open', 'lost: no data for 5 s']);
});

test('a hidden page disconnects, which is no failure', async () => {
  const { newest, changes, connections } = await begin();
  newest().send(start);
  await settle();
  Object.assign(page, { hidden: true });
  page.dispatchEvent(new Event('visibilitychange'));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(connections).toHaveLength(1);
  Object.assign(page, { hidden: false });
  page.dispatchEvent(new Event('visibilitychange'));
  await settle();
  newest().send(start + 60_000);
  await settle();
  expect(changes).toEqual(['open', 'connecting', 'open']);
});
