/** What becomes of one message in a worker: it is counted, archived and reported. */
import type { BatchWriter } from '@reto3/archive/worker';
import { addMessage } from '@reto3/engine/ring';
import type { Message } from '@reto3/reports';
import type { WorkerReports } from '@reto3/reports/worker';

export interface Counting {
  readonly stripe: Int32Array<SharedArrayBuffer>;
  /** Its number, from 0. */
  readonly worker: number;
  /** undefined: none run. */
  readonly reports: WorkerReports | undefined;
  /** undefined: messages are not archived. */
  readonly archive: BatchWriter | undefined;
}

/** Whether the body of a message goes anywhere. */
export function needsBody({ archive, reports }: Counting): boolean {
  return archive !== undefined || reports?.needsBody === true;
}

/** Of a body, reports and archive see so many bytes. The load's bodies have 32. */
export const mostSeenBytes = 64 << 10;
/** Bodies that are on their way to one worker occupy at most so much; more of them get a 503. */
export const mostHeldBytes = 64 << 20;

export const noBody = new Uint8Array(0);

export type Head = Pick<Message, 'method' | 'path' | 'query'>;

/**
 * Counts, archives and reports one message, by one reading of the clock. Where neither reports nor an
 * archive want it, an engine calls `addMessage` itself.
 */
export function countMessage(
  { stripe, worker, reports, archive }: Counting,
  { method, path, query }: Head,
  body: Uint8Array,
  bodyBytes: number,
): void {
  const arrivedMs = Date.now();
  addMessage(stripe, arrivedMs);
  archive?.add(arrivedMs, method, path, query, body, bodyBytes);
  reports?.add({ arrivedMs, worker, method, path, query, body, bodyBytes });
}
