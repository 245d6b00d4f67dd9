/** Processes one message in a worker: counts it, archives it, passes it to reports. */
import type { BatchWriter } from '@reto3/archive/worker';
import { addMessage } from '@reto3/engine/ring';
import type { Message } from '@reto3/reports';
import type { Needs, WorkerReports } from '@reto3/reports/worker';

export interface Counting {
  readonly stripe: Int32Array<SharedArrayBuffer>;
  /** The number of the worker, from 0. */
  readonly worker: number;
  /** Undefined without reports. */
  readonly reports: WorkerReports | undefined;
  /** Undefined without an archive. */
  readonly archive: BatchWriter | undefined;
  /** Addresses and networks whose X-Forwarded-For counts; undefined to trust nobody. */
  readonly trustedProxies: readonly string[] | undefined;
}

/** Whether the body of a message is used. */
export function needsBody({ archive, reports }: Counting): boolean {
  return archive !== undefined || reports?.needs.body === true;
}

export type HeadNeeds = Pick<Needs, 'host' | 'client' | 'headers'>;

/** The headers that reports and the archive use, besides method, path and query. */
export function headNeeds({ archive, reports }: Counting): HeadNeeds {
  const needs = reports?.needs ?? noNeeds;
  return archive === undefined ? needs : { headers: needs.headers, host: true, client: true };
}

const noNeeds: HeadNeeds = { headers: [], host: false, client: false };

/** Reports and the archive get at most this much of a body. The challenge's load sends 32 bytes. */
export const maxCapturedBytes = 64 << 10;
/** The limit on all bodies that one worker is receiving; beyond it, requests get a 503. */
export const maxHeldBytes = 64 << 20;

export const noBody = new Uint8Array(0);

export const noHeaders: Message['headers'] = Object.create(null);

/** A message that is arriving: its head is known, the other fields are set when it is counted. */
export interface Arriving extends Message {
  arrivedMs: number;
  body: Uint8Array;
  bodyBytes: number;
}

/** The server answers 200 to everything that it counts. */
export const countedStatus = 200;

/**
 * Counts, archives and reports one message, with a single reading of the clock. Without reports and
 * an archive, an engine calls `addMessage` itself.
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
