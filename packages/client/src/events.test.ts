import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { periods } from '@reto3/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { follow, readEvents } from './events.ts';

// The pause before a reconnect takes no time here.
vi.mock('node:timers/promises', () => ({ setTimeout: async () => {} }));

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let url: string;
let asked: { readonly url: string | undefined; readonly lastEventId: unknown }[];
/** The answers to successive requests; the last one repeats. */
let answers: Answer[];

beforeEach(async () => {
  asked = [];
  answers = [];
  server = createServer((request, response) => {
    asked.push({ url: request.url, lastEventId: request.headers['last-event-id'] });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    answer?.(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('BUG: no port');
  url = `http://127.0.0.1:${address.port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** The columns of the seconds that start at `from`; undefined is a gap. */
function columns(from: number, counts: readonly (number | undefined)[]): string {
  const starts = counts.flatMap((count, index) =>
    count === undefined ? [] : [from + index * 1_000],
  );
  const to = from + counts.length * 1_000;
  return JSON.stringify({
    from,
    to,
    starts,
    counts: counts.filter((count) => count !== undefined),
  });
}

function eventOf(from: number, counts: readonly (number | undefined)[]): string {
  return `id: ${from + counts.length * 1_000}\ndata: ${columns(from, counts)}\n\n`;
}

/** Sends this text and ends the answer; with `cut`, breaks the connection instead. */
function sending(text: string, cut = false): Answer {
  return (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (cut) response.write(text, () => request.socket.destroy());
    else response.end(text);
  };
}

function refusing(code: string): Answer {
  return (_, response) =>
    response.writeHead(400).end(JSON.stringify({ code, message: 'no', hint: 'none' }));
}

/**
 * Follows until this many chunks have arrived; returns the start and counts of each, null for a
 * gap.
 */
async function firstChunks(howMany: number, from?: string): Promise<unknown[]> {
  const chunks: unknown[] = [];
  for await (const { start, windows } of follow({ url, tokenFile: undefined }, periods.sec, from, {
    scope: 'node',
  })) {
    const counts = [...windows.counts].map((count, index) =>
      windows.counted[index] === 1 ? count : null,
    );
    chunks.push({ start, counts });
    if (chunks.length === howMany) break;
  }
  return chunks;
}

describe('following', () => {
  it('sends the period and the start, and yields windows with their gaps', async () => {
    answers = [sending(`: open\n\n${eventOf(10_000, [7, undefined, 0])}`)];
    expect(await firstChunks(1, '5m')).toEqual([{ start: 10_000, counts: [7, null, 0] }]);
    expect(asked).toEqual([
      { url: '/v1/live?period=sec&from=5m&scope=node', lastEventId: undefined },
    ]);
  });

  it('waits for a start in the future, over a lost connection too', async () => {
    answers = [
      sending(eventOf(10_000, []) + eventOf(10_000, [7]), true),
      sending(eventOf(11_000, [8, 9]) + eventOf(13_000, [1, 2, 3])),
      // The clock of the server stepped back.
      sending(eventOf(5_000, [4])),
    ];
    expect(await firstChunks(2, '1970-01-01T00:00:14Z')).toEqual([
      { start: 14_000, counts: [2, 3] },
      { start: 5_000, counts: [4] },
    ]);
  });

  it.each([
    ['ends', false],
    ['is cut off', true],
  ])('goes on after the last event when the stream %s', async (_, cut) => {
    answers = [
      sending(eventOf(1_000, [1]) + eventOf(2_000, [2, 3]), cut),
      sending(eventOf(4_000, [4])),
    ];
    expect(await firstChunks(3)).toEqual([
      { start: 1_000, counts: [1] },
      { start: 2_000, counts: [2, 3] },
      { start: 4_000, counts: [4] },
    ]);
    expect(asked.map(({ lastEventId }) => lastEventId)).toEqual([undefined, '4000']);
  });

  it('marks revised windows', async () => {
    const data = JSON.stringify({ ...JSON.parse(columns(1_000, [1, 2])), revised: [2_000] });
    answers = [sending(`id: 3000\ndata: ${data}\n\n`)];
    for await (const { windows } of follow({ url, tokenFile: undefined }, periods.sec, undefined, {
      scope: 'node',
    })) {
      expect([...windows.revised]).toEqual([0, 1]);
      break;
    }
  });

  it('reports damage, even after the last window', async () => {
    const damaged = [{ from: 0, to: 1_000, reason: 'gone' }];
    const past = { from: 2_000, to: 2_000, starts: [], counts: [], damaged, damagedPlaces: 210 };
    answers = [sending(`${eventOf(1_000, [1])}id: 2000\ndata: ${JSON.stringify(past)}\n\n`)];
    const found: unknown[] = [];
    for await (const chunk of follow({ url, tokenFile: undefined }, periods.sec, undefined, {
      scope: 'node',
    })) {
      found.push([chunk.damaged, chunk.damagedPlaces]);
      if (found.length === 2) break;
    }
    expect(found).toEqual([
      [[], 0],
      [damaged, 210],
    ]);
  });

  it('ignores half an event, and gets it whole after reconnecting', async () => {
    const half = eventOf(2_000, [222]).slice(0, -1);
    answers = [sending(eventOf(1_000, [1]) + half, true), sending(eventOf(2_000, [222]))];
    expect(await firstChunks(2)).toEqual([
      { start: 1_000, counts: [1] },
      { start: 2_000, counts: [222] },
    ]);
    expect(asked[1]?.lastEventId).toBe('2000');
  });

  it('reconnects while the server is away', async () => {
    answers = [
      sending(eventOf(1_000, [1])),
      (request) => request.socket.destroy(),
      (_, response) => response.writeHead(502).end('bad gateway'),
      refusing('RETO3_NOT_READY'),
      refusing('RETO3_BUSY'),
      (request, response) =>
        void response.writeHead(500).write('{', () => request.socket.destroy()),
      sending(eventOf(2_000, [2])),
    ];
    expect(await firstChunks(2)).toHaveLength(2);
    expect(asked).toHaveLength(7);
  });

  it('fails at once if the server was never there', async () => {
    answers = [(request) => request.socket.destroy()];
    await expect(firstChunks(1)).rejects.toMatchObject({ code: 'RETO3_SERVER_NOT_REACHABLE' });
    expect(asked).toHaveLength(1);
  });

  it('fails if the server refuses, at first or later', async () => {
    answers = [refusing('RETO3_BAD_TIME')];
    await expect(firstChunks(1)).rejects.toMatchObject({ code: 'RETO3_BAD_TIME' });
    answers = [sending(eventOf(1_000, [1])), refusing('RETO3_UNAUTHORIZED')];
    await expect(firstChunks(2)).rejects.toMatchObject({ code: 'RETO3_UNAUTHORIZED' });
  });
});

describe('reading events', () => {
  const text = `: open\n\n${eventOf(1_000, [1])}: keep-alive\n\n${eventOf(2_000, [undefined, 3])}`;
  const wanted = [
    { id: '2000', data: columns(1_000, [1]) },
    { id: '4000', data: columns(2_000, [undefined, 3]) },
  ];

  async function eventsOf(pieces: readonly string[]): Promise<unknown[]> {
    const events: unknown[] = [];
    const read = async function* () {
      yield* pieces;
    };
    for await (const event of readEvents(read())) events.push(event);
    return events;
  }

  it('yields the same events wherever the text is split', async () => {
    for (let at = 0; at <= text.length; at++)
      expect(await eventsOf([text.slice(0, at), text.slice(at)])).toEqual(wanted);
    expect(await eventsOf([...text])).toEqual(wanted);
  });

  it('drops an event without its final empty line', async () => {
    for (let length = 0; length < text.length; length++) {
      const events = await eventsOf([text.slice(0, length)]);
      expect(events).toEqual(wanted.slice(0, events.length));
      expect(events.length).toBeLessThan(2);
    }
  });
});
