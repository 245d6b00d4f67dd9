/**
 * Detects a server that has gone silent. Owns all time limits of the command line.
 *
 * A connection may die without a FIN, and a stopped process keeps its connections open, so silence
 * is the only sign. It is measured in ticks of this process instead of clock time, so the sleep of
 * a laptop does not count. A server that computes an answer is silent too: a probe on a second
 * connection tells the two apart, and while the server responds to probes, the answer may take its
 * time.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';

const tickMs = 1_000;
/** The real length of a tick; tests that wait for silence shorten it. */
const tickLengthMs = Number(process.env['RETO3_TEST_TICK_MS']) || tickMs;

/** How long a connection may be silent, in milliseconds. */
interface SilenceLimits {
  /**
   * After this, a probe on a second connection asks for a sign of life; without one, the request
   * ends.
   */
  readonly probeMs: number;
  /**
   * The limits even if the server is alive: until the answer begins, and between two pieces of it.
   */
  readonly maxMs: { readonly before: number; readonly within: number };
}

/** The server limits a query to 30 minutes, and an answer that does not move to 60 s. */
const answerLimits: SilenceLimits = {
  probeMs: 10_000,
  maxMs: { before: 31 * 60_000, within: 60_000 },
};
/** A healthy server answers these at once. */
const healthLimits: SilenceLimits = { probeMs: 10_000, maxMs: { before: 10_000, within: 10_000 } };
/** /v1/live sends a comment every 15 s. Reconnecting after a false alarm costs nothing. */
const liveLimits: SilenceLimits = { probeMs: 20_000, maxMs: { before: 20_000, within: 20_000 } };

/**
 * The limit of the probe that recognises an ingest port. One that gets no answer proves nothing; the
 * real request then reports the problem.
 */
export const portProbeMs = 2_000;

export const healthPath = '/healthz';

const limitsOf: ReadonlyMap<string, SilenceLimits> = new Map([
  [healthPath, healthLimits],
  ['/readyz', healthLimits],
  ['/v1/live', liveLimits],
]);

/** Why a silent request was ended. */
export class SilenceError extends Error {
  /** Whether the server accepted the connection, so that only the answer is missing. */
  readonly connected: boolean;

  constructor(silentMs: number, connected: boolean) {
    super(`${connected ? 'nothing came for' : 'no connection within'} ${silentMs / 1_000} s`);
    this.connected = connected;
  }
}

/**
 * Destroys a request, or its response, once the server has been silent for too long.
 * @param path of the query API
 * @param isAlive probes the server on a second connection
 */
export function watchForSilence(
  sent: ClientRequest,
  path: string,
  isAlive: () => Promise<boolean>,
): void {
  const { probeMs, maxMs } = limitsOf.get(path) ?? answerLimits;
  let response: IncomingMessage | undefined;
  let bytesBefore = 0;
  let silentMs = 0;
  let probing = false;
  const end = (): void => {
    const error = new SilenceError(silentMs, sent.socket?.connecting === false);
    (response ?? sent).destroy(error);
  };
  const tick = async (): Promise<void> => {
    const bytes = sent.socket?.bytesRead ?? 0;
    // Unread data means that the reader is slow, not that the server is silent.
    const unread = (response?.readableLength ?? 0) > 0;
    silentMs = bytes === bytesBefore && !unread ? silentMs + tickMs : 0;
    bytesBefore = bytes;
    const limitMs = response === undefined ? maxMs.before : maxMs.within;
    if (silentMs >= limitMs) return end();
    if (silentMs < probeMs || silentMs % probeMs !== 0 || probing) return;
    probing = true;
    const alive = await isAlive();
    probing = false;
    if (!alive && silentMs >= probeMs) end();
  };
  const ticks = setInterval(() => void tick(), tickLengthMs);
  const stop = (): void => clearInterval(ticks);
  sent.once('response', (message: IncomingMessage) => {
    response = message;
    message.once('close', stop);
  });
  sent.once('error', stop);
}
