/**
 * How many connections the workers may hold, and for how long one may be quiet.
 *
 * As many as the process may open, less what the rest of it needs: without a bound, clients that
 * only connect would take every file descriptor, and LevelDB could open no file.
 */
import type { HttpResponse } from 'uWebSockets.js';

/**
 * LevelDB keeps up to 1,000 tables open, the query API 500 connections; the archive, the log and the
 * threads take the rest.
 */
const reservedDescriptors = 1_700;

/** Descriptors that this process may have open; Infinity where the system sets no limit. */
export function descriptorLimit(): number {
  // The types of Node.js leave out what is in the report.
  const report: { userLimits?: { open_files?: { soft?: unknown } } } = process.report.getReport();
  const soft = report.userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY;
}

/** Connections that each of so many workers may hold; where descriptors are few, half of them. */
export function connectionsPerWorker(descriptors: number, workers: number): number {
  const all = Math.max(descriptors - reservedDescriptors, Math.floor(descriptors / 2));
  return Math.max(1, Math.floor(all / workers));
}

/**
 * Told of each connection that begins (1) and ends (-1): closes those above `most` at once, and calls
 * `endedSilent` for each that ends without a message.
 */
export function connectionBound(
  most: number,
  endedSilent: () => void,
): (response: HttpResponse, change: number) => void {
  let open = 0;
  return (response, change) => {
    open += change;
    if (change < 0) return;
    // The first answer takes this handler away; so does a message that waits for its body or the disk.
    response.onAborted(endedSilent);
    if (open > most) response.close();
  };
}

/**
 * A connection that sends nothing, or too slowly, is closed after so long; uWebSockets.js looks every
 * 4 s. It is what the older build has built in; the newer one would wait for 30.
 */
const quietSeconds = 10;

/** The newer build has them, though its types leave them out. Both give the app. */
interface SettableTimeouts {
  /** Of connections that have sent no request yet. */
  setIdleTimeout(seconds: number): unknown;
  /** Of those whose last request was answered; one that still waits for its answer has no limit. */
  setResponseTimeout(seconds: number): unknown;
}

function hasSettableTimeouts(app: object): app is SettableTimeouts {
  return 'setIdleTimeout' in app && 'setResponseTimeout' in app;
}

/** Has an app close connections that are quiet, where its build does not do so by itself. */
export function limitQuiet(app: object): void {
  if (!hasSettableTimeouts(app)) return;
  app.setIdleTimeout(quietSeconds);
  app.setResponseTimeout(quietSeconds);
}
