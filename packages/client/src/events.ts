/**
 * Reads the server-sent events of /v1/live, and goes on after a cut: the server may restart,
 * nothing is missed.
 */
import { setTimeout } from 'node:timers/promises';
import {
  type Chunk,
  type ErrorCode,
  type Period,
  Reto3Error,
  type ScopeSelector,
} from '@reto3/core';
import { createParser } from 'eventsource-parser';
import type { LiveEvent } from './answers/index.ts';
import { type ApiOptions, request } from './api-client.ts';
import type { Missing } from './end-of-answer.ts';

/** Hears whether a follow has its server. */
export interface Contact {
  lost(error: unknown): void;
  held(): void;
}

/** The first pause before it connects again: a server that restarts is back soon. */
const shortestRetryMs = 500;
const longestRetryMs = 8_000;
/** What a server that restarts, or a proxy before it, may answer meanwhile. */
export const passing: ReadonlySet<ErrorCode> = new Set([
  'RETO3_SERVER_NOT_REACHABLE',
  'RETO3_ANSWER_CUT',
  'RETO3_NOT_READY',
  // After a restart all who followed come back at once.
  'RETO3_BUSY',
]);

/**
 * How long to wait before another attempt, in milliseconds: twice as long after each that failed,
 * and never the same for all who lost a server at the same moment.
 * @param failed how many attempts failed since the last one that did not
 */
export function retryMs(failed: number): number {
  const most = Math.min(longestRetryMs, shortestRetryMs * 2 ** Math.min(failed, 10));
  return most * (0.5 + Math.random() / 2);
}

/** Windows, and which of those before their end could not be read. */
export type FollowedChunk = Chunk & Missing;

/**
 * The windows of a period as they become final, from `from` on if given; ends never.
 * @param contact hears when the server is lost, and when it is back
 * @throws Reto3Error RETO3_SERVER_NOT_REACHABLE if the first attempt fails
 */
export async function* follow(
  api: ApiOptions,
  period: Period,
  from: string | undefined,
  whose: ScopeSelector,
  contact?: Contact,
): AsyncGenerator<FollowedChunk> {
  let lastId: string | undefined;
  let failed = 0;
  for (let connected = false; ; ) {
    try {
      const headers = lastId === undefined ? {} : { 'last-event-id': lastId };
      const response = await request(
        api,
        '/v1/live',
        { period: period.name, from, ...whose },
        headers,
      );
      connected = true;
      failed = 0;
      contact?.held();
      for await (const event of readEvents(response.setEncoding('utf8'))) {
        lastId = event.id;
        yield chunkOf(event.data, period);
      }
    } catch (error) {
      const worthRetrying = !(error instanceof Reto3Error) || passing.has(error.code);
      if (!connected || !worthRetrying) throw error;
      failed++;
      contact?.lost(error);
    }
    await setTimeout(retryMs(failed));
  }
}

interface Event {
  readonly id: string;
  readonly data: string;
}

/** The server-sent events in a text that comes in pieces; comments are signs of life only. */
export async function* readEvents(pieces: AsyncIterable<string>): AsyncGenerator<Event> {
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
