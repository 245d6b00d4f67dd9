/** What becomes of one message in a worker: it is counted, archived and reported. */
import type { BatchWriter } from '@reto3/archive/worker';
import { addMessage } from '@reto3/engine/ring';
import type { Message } from '@reto3/reports';
import type { Needs, WorkerReports } from '@reto3/reports/worker';

export interface Counting {
  readonly stripe: Int32Array<SharedArrayBuffer>;
  /** Its number, from 0. */
  readonly worker: number;
  /** undefined: none run. */
  readonly reports: WorkerReports | undefined;
  /** undefined: messages are not archived. */
  readonly archive: BatchWriter | undefined;
  /** Addresses and networks whose X-Forwarded-For counts; undefined: nobody's. */
  readonly trustedProxies: readonly string[] | undefined;
}

/** Whether the body of a message goes anywhere. */
export function needsBody({ archive, reports }: Counting): boolean {
  return archive !== undefined || reports?.needs.body === true;
}

export type HeadNeeds = Pick<Needs, 'host' | 'client' | 'headers'>;

/** What reports and the archive take of a head, beside method, path and query. */
export function headNeeds({ archive, reports }: Counting): HeadNeeds {
  const needs = reports?.needs ?? noNeeds;
  return archive === undefined ? needs : { headers: needs.headers, host: true, client: true };
}

const noNeeds: HeadNeeds = { headers: [], host: false, client: false };

/** Of a body, reports and archive see so many bytes. The load's bodies have 32. */
export const mostSeenBytes = 64 << 10;
/** Bodies that are on their way to one worker occupy at most so much; more of them get a 503. */
export const mostHeldBytes = 64 << 20;

export const noBody = new Uint8Array(0);

export const noHeaders: Message['headers'] = Object.create(null);

/** A message on its way: its head is known, the rest is set when it is counted. */
export interface Arriving extends Message {
  arrivedMs: number;
  body: Uint8Array;
  bodyBytes: number;
}

/** Whatever it counts, the server answers 200. */
export const countedStatus = 200;

/**
 * Counts, archives and reports one message, by one reading of the clock. Where neither reports nor an
 * archive want it, an engine calls `addMessage` itself.
 */
export function countMessage(
  { stripe, reports, archive }: Counting,
  message: Arriving,
  body: Uint8Array,
  bodyBytes: number,
): void {
  const arrivedMs = Date.now();
  addMessage(stripe, arrivedMs);
  message.arrivedMs = arrivedMs;
  message.body = body;
  message.bodyBytes = bodyBytes;
  if (archive !== undefined) {
    const { method, path, query, host, client } = message;
    archive.add(arrivedMs, method, path, query, body, bodyBytes, host, client);
  }
  reports?.add(message);
}
