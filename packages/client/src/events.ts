/**
 * Reads the server-sent events of /v1/live. After an interruption, such as a restart of the server,
 * it reconnects and continues without missing a window.
 */
import {
  alignUp,
  type Chunk,
  type Period,
  parseDuration,
  parseLogMoment,
  parseTime,
  Reto3Error,
  type ScopeSelector,
  sliceOf,
} from '@reto3/core';
import type { LiveEvent } from './answers/index.ts';
import { type ApiOptions, answerCut, request } from './api-client.ts';
import { Connection, type ConnectionEvents } from './connection.ts';
import type { Missing } from './end-of-answer.ts';

/** Windows, and the damage found before their end. */
export type FollowedChunk = Chunk & Missing;

/**
 * Yields the windows of a period as they become final, starting at `from` if given. Never ends.
 * Waits for a `from` in the future, where the server would begin with the present.
 * @throws Reto3Error RETO3_SERVER_NOT_REACHABLE if the first attempt fails; RETO3_BAD_TIME
 */
export async function* follow(
  api: ApiOptions,
  period: Period,
  from: string | undefined,
  selector: ScopeSelector,
  events?: ConnectionEvents,
): AsyncGenerator<FollowedChunk> {
  const connection = new Connection(events);
  let lastId: string | undefined;
  // Only until it is reached: if the server's clock steps back, its windows of that time follow.
  let notBefore = firstOf(from, period);
  for (;;) {
    try {
      const headers = lastId === undefined ? {} : { 'last-event-id': lastId };
      const response = await request(
        api,
        '/v1/live',
        { period: period.name, from, ...selector },
        headers,
      );
      connection.connected(parseLogMoment(response.headers['reto3-moment']));
      for await (const event of readEvents(response.setEncoding('utf8'))) {
        lastId = event.id;
        const chunk = chunkOf(event.data, period);
        const kept = notBefore === undefined ? chunk : since(chunk, notBefore, period);
        if (kept === undefined) continue;
        notBefore = undefined;
        yield kept;
      }
    } catch (error) {
      connection.failed(error instanceof Reto3Error ? error : answerCut(api, error));
    }
    await connection.pause();
  }
}

/** The start of the first window, epoch ms; undefined for an age, which only the server resolves. */
function firstOf(from: string | undefined, period: Period): number | undefined {
  if (from === undefined || !Number.isNaN(parseDuration(from))) return undefined;
  return alignUp(parseTime('from', from, Date.now()), period.windowMs);
}

/** The chunk without windows before a time, epoch ms; undefined if it has none after it. */
function since(chunk: FollowedChunk, from: number, period: Period): FollowedChunk | undefined {
  const { start, windows } = chunk;
  if (start >= from) return chunk;
  const before = (from - start) / period.windowMs;
  const { length } = windows.counts;
  if (before >= length) return undefined;
  return { ...chunk, start: from, windows: sliceOf(windows, before, length) };
}

interface Event {
  readonly id: string;
  readonly data: string;
}

/** Parses server-sent events from text that arrives in pieces; skips comments. */
export async function* readEvents(pieces: AsyncIterable<string>): AsyncGenerator<Event> {
  // Loaded here, because loading takes a while and most commands do not follow.
  const { createParser } = await import('eventsource-parser');
  let read: Event[] = [];
  const parser = createParser({
    onEvent: ({ id = '', data }) => {
      read.push({ id, data });
    },
  });
  for await (const piece of pieces) {
    parser.feed(piece);
    yield* read;
    read = [];
  }
}

/** Older servers leave out the last four. */
type Columns = Pick<LiveEvent, 'from' | 'to' | 'starts' | 'counts'> &
  Partial<Pick<LiveEvent, 'revised' | 'partial' | 'damaged' | 'damagedPlaces'>>;

function chunkOf(data: string, period: Period): FollowedChunk {
  const columns: Columns = JSON.parse(data);
  const { from, to, starts, counts, revised = [], partial = [] } = columns;
  const { damaged = [], damagedPlaces = damaged.length } = columns;
  const length = (to - from) / period.windowMs;
  const windows = {
    counts: new Float64Array(length),
    counted: new Uint8Array(length),
    revised: new Uint8Array(length),
    partial: new Uint8Array(length),
  };
  for (const [row, start] of starts.entries()) {
    const index = (start - from) / period.windowMs;
    windows.counts[index] = counts[row] ?? 0;
    windows.counted[index] = 1;
  }
  for (const start of revised) windows.revised[(start - from) / period.windowMs] = 1;
  for (const start of partial) windows.partial[(start - from) / period.windowMs] = 1;
  return { start: from, windows, damaged, damagedPlaces };
}
