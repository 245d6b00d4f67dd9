/** /v1/live: windows as they become final, as server-sent events. */
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type { LiveEvent as LiveAnswer, TypeOf } from '@reto3/client/answers';
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
import type { LiveCounts, LiveFeeds } from './live-feeds.ts';
import type { QueryLimiter } from './query-limiter.ts';
import { readCost } from './read-throttle.ts';
import { errorResponse, periodParameter, selectorParameters } from './schemas.ts';
import { readFactor, selectorOf } from './scope.ts';

const schema = {
  summary: 'Windows as they become final, as server-sent events',
  description:
    'Each event has the columns of /v1/stats; its `id` is the end of its newest window. `messagesInAll` is the number ' +
    'of messages that this server counted before `to`; past events lack it. With `from` or the header Last-Event-ID ' +
    'the server first sends the windows since then, so a client that reconnects misses nothing. The header ' +
    '`reto3-moment` is the field `moment` of /v1/stats.',
  tags: ['counts'],
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      period: { ...periodParameter, default: 'sec' },
      ...selectorParameters,
      from: {
        type: 'string',
        description: 'First send the windows that start at or after this time',
      },
      every: {
        type: 'string',
        pattern: '^(10|20|50|100|200|500|1000)$',
        description:
          'Minimum length of an event in milliseconds: 10, 20, 50, 100, 200, 500 or 1000. Longer events cost the server less',
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

interface LiveRoute {
  readonly Querystring: TypeOf<typeof schema.querystring>;
  readonly Headers: { readonly 'last-event-id'?: string };
}

/** Proxies close silent connections; a comment keeps them open. */
const keepAliveMs = 15_000;
/** Every listener costs the coordinator's thread some time per event. */
const maxListeners = 200;
/**
 * A client with more unread bytes is disconnected; it reconnects and reads from the store. Enough for
 * a block of backfill and everything in memory (71 s: at most 210 KB); 75 MiB for all listeners.
 */
const maxUnreadBytes = 384 << 10;
/** Backfill continues once a client has no more than this unread. */
const resumeUnreadBytes = 64 << 10;
/** How often backfill checks whether a slow client has caught up. */
const drainCheckMs = 5;
/**
 * A client that reads nothing for this long is disconnected, because it holds a snapshot of the
 * store.
 */
const idleTimeoutMs = 60_000;

/** The streams of all listeners. */
export type LiveStreams = Set<Readable>;

export const liveRoutes: FastifyPluginAsync<{
  readonly feeds: LiveFeeds;
  readonly queryLimiter: QueryLimiter;
  readonly streams: LiveStreams;
}> = async (app, { feeds, queryLimiter, streams }) => {
  app.get<LiveRoute>('/v1/live', { schema, exposeHeadRoute: false }, async (request, reply) => {
    const selector = selectorOf(request.query);
    const counts = feeds.of(selector);
    const period = parsePeriod(request.query.period ?? 'sec');
    const asked = request.headers['last-event-id'] ?? request.query.from;
    const from =
      asked === undefined
        ? undefined
        : alignUp(parseTime('from', asked, Date.now()), period.windowMs);
    if (streams.size >= maxListeners)
      throw new Reto3Error('RETO3_BUSY', `${maxListeners} clients already follow live windows`);
    reply
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no')
      .type('text/event-stream');
    if (counts.moment !== undefined) reply.header('reto3-moment', counts.moment);
    // The end of the connection ends the answer. Chunked encoding would need three writes per
    // event.
    reply.raw.removeHeader('transfer-encoding');
    const every = request.query.every === undefined ? undefined : Number(request.query.every);
    const backfill = new Backfill(counts, selector, queryLimiter, request);
    const events = streamEvents(counts, { period, from, every }, backfill);
    streams.add(events);
    events.once('close', () => streams.delete(events));
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

function streamEvents(counts: LiveCounts, question: Question, backfill: Backfill): Readable {
  const stream = new Readable({ read() {}, highWaterMark: maxUnreadBytes });
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
  // Tells the client at once that the stream is open.
  stream.push(': open\n\n');
  begin(counts, question, stream, listener, backfill).catch((error) => stream.destroy(error));
  return stream;
}

/** Sends windows from the store up to those in memory, then joins the feed there. */
async function begin(
  { feed }: LiveCounts,
  { period, from, every }: Question,
  stream: Readable,
  listener: Listener,
  backfill: Backfill,
): Promise<void> {
  let next = from;
  const stepMs = alignUp(every ?? period.windowMs, period.windowMs);
  while (!stream.destroyed && !feed.join(period, listener, next, every))
    next = await backfill.send(period, next ?? 0, stepMs, stream, listener);
}

/** Sends one client the windows that are older than memory, through the query limiter. */
class Backfill {
  readonly #counts: LiveCounts;
  readonly #queryLimiter: QueryLimiter;
  readonly #request: FastifyRequest;
  readonly #selector: ScopeSelector;

  constructor(
    counts: LiveCounts,
    selector: ScopeSelector,
    queryLimiter: QueryLimiter,
    request: FastifyRequest,
  ) {
    this.#counts = counts;
    this.#selector = selector;
    this.#queryLimiter = queryLimiter;
    this.#request = request;
  }

  /**
   * Sends all final windows that start at or after a time (epoch ms), in whole steps.
   * @returns the end of the last one
   */
  send(
    period: Period,
    from: number,
    stepMs: number,
    stream: Readable,
    listener: Listener,
  ): Promise<number> {
    const windows = (Date.now() - from) / period.windowMs;
    const perWindow = readFactor(period, this.#selector);
    return this.#queryLimiter.run(this.#request, windows * perWindow, async (context) => {
      const view = context.counts(this.#counts.view(), readCost.printing * perWindow);
      try {
        const { finalThrough } = view;
        const range = { from, to: alignDown(finalThrough, stepMs) };
        let damaged: Damage[] = [];
        const chunks = readChunks(view, period, range, (damage) => damaged.push(damage));
        for await (const chunk of chunks) {
          const to = chunk.start + chunk.windows.counts.length * period.windowMs;
          listener.send({ period, from: chunk.start, to, finalThrough, chunks: [chunk], damaged });
          damaged = [];
          await waitForDrain(stream);
          context.signal.throwIfAborted();
          if (stream.destroyed) return range.to;
        }
        // Damage after the newest chunk has not been sent with any event.
        const end = { period, from: range.to, to: range.to, finalThrough, chunks: [] };
        if (damaged.length > 0) listener.send({ ...end, damaged });
        return range.to;
      } finally {
        await view.store.close();
      }
    });
  }
}

/** Resolves once the client has read enough. @throws Reto3Error RETO3_BUSY if it reads nothing */
async function waitForDrain(stream: Readable): Promise<void> {
  let unread = stream.readableLength;
  let movedMs = performance.now();
  while (!stream.destroyed && stream.readableLength > resumeUnreadBytes) {
    await setTimeout(drainCheckMs);
    const nowMs = performance.now();
    if (stream.readableLength < unread) movedMs = nowMs;
    else if (nowMs - movedMs > idleTimeoutMs)
      throw new Reto3Error('RETO3_BUSY', 'the client reads nothing');
    unread = stream.readableLength;
  }
}

/** Each event, serialised once for all its listeners. */
const serialized = new WeakMap<LiveEvent, Buffer>();

function bytesOf(event: LiveEvent): Buffer {
  const bytes = serialized.get(event) ?? Buffer.from(eventText(event));
  serialized.set(event, bytes);
  return bytes;
}

/** An event in the format of server-sent events. */
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
