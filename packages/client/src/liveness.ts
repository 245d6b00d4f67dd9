/**
 * Detects a silent server. The one place in the command line that owns time limits.
 *
 * A connection may die without a FIN, and a stopped process keeps its connections open, so silence is
 * the only sign. It is counted in ticks of this process rather than read from a clock, so a laptop
 * that slept has not been waiting. A server is also silent while it computes an answer: it is then
 * asked on another connection, and as long as it responds there, the answer may take its time.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';

const tickMs = 1_000;
/** The real length of a tick; tests that wait for silence shorten it. */
const tickLengthMs = Number(process.env['RETO3_TEST_TICK_MS']) || tickMs;

/** How long a connection may be silent, in milliseconds. */
interface SilenceLimits {
  /** After this, the server is asked on another connection; no answer there ends the request. */
  readonly probeMs: number;
  /** Ends the request even if the server is alive: before the answer begins, and within it. */
  readonly maxMs: { readonly before: number; readonly within: number };
}

/** The server limits queries to 30 minutes, and idle answers to 60 s. */
const answerLimits: SilenceLimits = {
  probeMs: 10_000,
  maxMs: { before: 31 * 60_000, within: 60_000 },
};
/** A healthy server answers these at once. */
const healthLimits: SilenceLimits = { probeMs: 10_000, maxMs: { before: 10_000, within: 10_000 } };
/** /v1/live sends a comment every 15 s. Reconnecting after a false alarm costs nothing. */
const liveLimits: SilenceLimits = { probeMs: 20_000, maxMs: { before: 20_000, within: 20_000 } };

export const healthPath = '/healthz';

const limitsOf: ReadonlyMap<string, SilenceLimits> = new Map([
  [healthPath, healthLimits],
  ['/readyz', healthLimits],
  ['/v1/live', liveLimits],
]);

/** The reason for ending a request. */
export class SilenceError extends Error {
  /** Whether the connection was accepted, so that only the answer is missing. */
  readonly connected: boolean;

  constructor(silentMs: number, connected: boolean) {
    super(`${connected ? 'nothing came for' : 'no connection within'} ${silentMs / 1_000} s`);
    this.connected = connected;
  }
}

/**
 * Destroys a request, or its response, once the server has been silent for too long.
 * @param path of the query API
 * @param isAlive asks the server on another connection
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
