/** /v1/live: the windows as they become final, as server-sent events. */
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type { LiveEvent as LiveAnswer } from '@reto3/client/answers';
import {
  alignDown,
  alignUp,
  type Chunk,
  countedRows,
  type Damage,
  damagedOf,
  type Period,
  parsePeriod,
  parseTime,
  Reto3Error,
  type ScopeSelector,
  startsOf,
} from '@reto3/core';
import { type Listener, type LiveEvent, readChunks } from '@reto3/engine';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { Feeds, LiveCounts } from './live-counts.ts';
import type { LongReads } from './long-reads.ts';
import { workOf } from './read-throttle.ts';
import { errorResponse, periodParameter, type WhoseQuery, whoseParameters } from './schemas.ts';
import { readPerWindow, whoseOf } from './scope.ts';

interface LiveRoute {
  readonly Querystring: WhoseQuery & {
    readonly period?: string;
    readonly from?: string;
    readonly every?: string;
  };
  readonly Headers: { readonly 'last-event-id'?: string };
}

const schema = {
  summary: 'Windows as they become final',
  description:
    'Server-sent events, each with the columns of /v1/stats; their `id` is the end of the newest window. ' +
    '`messagesInAll` is everything that this server counted before `to`; events of the past lack it. With ' +
    '`from`, or the header Last-Event-ID, what came since is sent first, so a client that was cut off misses nothing.',
  tags: ['counts'],
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      period: { ...periodParameter, default: 'sec' },
      ...whoseParameters,
      from: {
        type: 'string',
        description: 'Begin with the windows that start at or after this time',
      },
      every: {
        type: 'string',
        pattern: '^(10|20|50|100|200|500|1000)$',
        description:
          'How many milliseconds an event covers at least: 10, 20, 50, 100, 200, 500 or 1000. More cost the server less',
      },
    },
  },
  response: {
    200: {
      description: 'The events',
      content: { 'text/event-stream': { schema: { type: 'string' } } },
    },
    '4xx': errorResponse,
  },
} as const;

/** Proxies close connections on which nothing moves; a comment keeps them open. */
const keepAliveMs = 15_000;
/** Each costs the thread that counts a little for every event. */
const mostListeners = 200;
/**
 * A client that has so much unread is dropped; it comes back and reads from the store. Room for all
 * that is in memory (71 s: at most 210 KB) behind a block of history; 75 MiB for all listeners.
 */
const mostUnreadBytes = 384 << 10;
/** History goes on when a client has no more than this unread. */
const mostUnreadBefore = 64 << 10;
/** While a client that asked for much history reads it, the store waits; looked at this often. */
const drainCheckMs = 5;
/** A client that takes nothing of it for so long is gone, and holds a snapshot of the store. */
const mostIdleMs = 60_000;

export const liveRoutes: FastifyPluginAsync<{
  readonly feeds: Feeds;
  readonly longReads: LongReads;
}> = async (app, { feeds, longReads }) => {
  let listeners = 0;
  app.get<LiveRoute>('/v1/live', { schema, exposeHeadRoute: false }, async (request, reply) => {
    const whose = whoseOf(request.query);
    const counts = feeds.of(whose);
    const period = parsePeriod(request.query.period ?? 'sec');
    const asked = request.headers['last-event-id'] ?? request.query.from;
    const from =
      asked === undefined
        ? undefined
        : alignUp(parseTime('from', asked, Date.now()), period.windowMs);
    if (listeners >= mostListeners)
      throw new Reto3Error('RETO3_BUSY', `${mostListeners} clients follow live windows already`);
    reply
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no')
      .type('text/event-stream');
    // The answer ends with its connection: in chunks, each event would be three writes and not one.
    reply.raw.removeHeader('transfer-encoding');
    const every = request.query.every === undefined ? undefined : Number(request.query.every);
    const history = new History(counts, whose, longReads, request);
    const events = streamEvents(counts, { period, from, every }, history);
    listeners++;
    events.once('close', () => listeners--);
    return reply.send(events);
  });
};

interface Question {
  readonly period: Period;
  /** Epoch ms. */
  readonly from: number | undefined;
  /** Milliseconds. */
  readonly every: number | undefined;
}

function streamEvents(counts: LiveCounts, question: Question, history: History): Readable {
  const stream = new Readable({ read() {}, highWaterMark: mostUnreadBytes });
  const send = (event: LiveEvent): void => {
    if (!stream.push(bytesOf(event))) stream.destroy();
  };
  const keepAlive = setInterval(() => stream.push(': keep-alive\n\n'), keepAliveMs);
  const drop = (): void => {
    clearInterval(keepAlive);
    stream.push(null);
  };
  const listener = { send, drop };
  stream.once('close', () => {
    clearInterval(keepAlive);
    counts.feed.leave(listener);
  });
  // Says at once that the stream is open, so that a client need not wait for the first window.
  stream.push(': open\n\n');
  begin(counts, question, stream, listener, history).catch((error) => stream.destroy(error));
  return stream;
}

/** Sends what is older than memory from the store, then joins the feed where that ended. */
async function begin(
  { feed }: LiveCounts,
  { period, from, every }: Question,
  stream: Readable,
  listener: Listener,
  history: History,
): Promise<void> {
  let next = from;
  const stepMs = alignUp(every ?? period.windowMs, period.windowMs);
  while (!stream.destroyed && !feed.join(period, listener, next, every))
    next = await history.send(period, next ?? 0, stepMs, stream, listener);
}

/** What is older than memory, for one client; much of it takes turns with other long answers. */
class History {
  readonly #counts: LiveCounts;
  readonly #longReads: LongReads;
  readonly #request: FastifyRequest;
  readonly #whose: ScopeSelector;

  constructor(
    counts: LiveCounts,
    whose: ScopeSelector,
    longReads: LongReads,
    request: FastifyRequest,
  ) {
    this.#counts = counts;
    this.#whose = whose;
    this.#longReads = longReads;
    this.#request = request;
  }

  /**
   * Sends all final windows from a time on, epoch ms, as far as whole steps go; resolves with where
   * that ends.
   */
  send(
    period: Period,
    from: number,
    stepMs: number,
    stream: Readable,
    listener: Listener,
  ): Promise<number> {
    const windows = (Date.now() - from) / period.windowMs;
    const perWindow = readPerWindow(period, this.#whose);
    return this.#longReads.run(this.#request, windows * perWindow, async (reading) => {
      const view = reading.counts(this.#counts.view(), workOf.printing * perWindow);
      try {
        const { finalThrough } = view;
        const range = { from, to: alignDown(finalThrough, stepMs) };
        let damaged: Damage[] = [];
        const chunks = readChunks(view, period, range, (damage) => damaged.push(damage));
        for await (const chunk of chunks) {
          const to = chunk.start + chunk.windows.counts.length * period.windowMs;
          listener.send({ period, from: chunk.start, to, finalThrough, chunks: [chunk], damaged });
          damaged = [];
          await drained(stream);
          reading.signal.throwIfAborted();
          if (stream.destroyed) return range.to;
        }
        // Damage behind the newest chunk belongs to no event yet.
        const end = { period, from: range.to, to: range.to, finalThrough, chunks: [] };
        if (damaged.length > 0) listener.send({ ...end, damaged });
        return range.to;
      } finally {
        await view.store.close();
      }
    });
  }
}

/** Resolves when the client has taken enough for more. @throws Error where it takes nothing */
async function drained(stream: Readable): Promise<void> {
  let unread = stream.readableLength;
  let movedMs = performance.now();
  while (!stream.destroyed && stream.readableLength > mostUnreadBefore) {
    await setTimeout(drainCheckMs);
    const nowMs = performance.now();
    if (stream.readableLength < unread) movedMs = nowMs;
    else if (nowMs - movedMs > mostIdleMs) throw new Error('the client takes nothing');
    unread = stream.readableLength;
  }
}

/** Listeners get the same event one after the other: it is written out for the first of them. */
const written = new WeakMap<LiveEvent, Buffer>();

function bytesOf(event: LiveEvent): Buffer {
  const bytes = written.get(event) ?? Buffer.from(eventText(event));
  written.set(event, bytes);
  return bytes;
}

/** An event as it is sent. */
export function eventText(event: LiveEvent): string {
  const { period, from, to, finalThrough, chunks, damaged, messagesInAll } = event;
  const rows = chunks.flatMap((chunk: Chunk) => [...countedRows(chunk, period)]);
  const data: LiveAnswer = {
    period: period.name,
    windowMs: period.windowMs,
    from,
    to,
    finalThrough,
    starts: rows.map(([start]) => start),
    counts: rows.map(([, count]) => count),
    revised: chunks.flatMap((chunk) => startsOf('revised', chunk, period)),
    partial: chunks.flatMap((chunk) => startsOf('partial', chunk, period)),
    ...damagedOf(damaged),
    messagesInAll,
  };
  return `id: ${to}\ndata: ${JSON.stringify(data)}\n\n`;
}
