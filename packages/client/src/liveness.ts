/**
 * Notices that a server has gone silent: the one place of the command line that owns time limits.
 *
 * A connection may die without a FIN, and a stopped process keeps its connections, so silence is the
 * only sign. It is counted in ticks of this process, not read from a clock: a laptop that slept has
 * not been waiting. An answer that is being computed is silent too; so the server is asked on another
 * connection, and as long as it says that it lives, the answer may take its time.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';

const tickMs = 1_000;
/** How long a tick takes: less in tests of whole processes, which wait for silence. */
const tickTakesMs = Number(process.env['RETO3_TEST_TICK_MS']) || tickMs;

/** How long a connection may be silent, in milliseconds. */
interface Patience {
  /** After so long the server is asked whether it lives; where it cannot be, that is the end. */
  readonly quietMs: number;
  /** Before the answer begins, and within it: the end, even where the server lives. */
  readonly longestMs: { readonly before: number; readonly within: number };
}

/** The server ends what it computes for an answer after 30 minutes, and what nobody takes after 60 s. */
const ofAnswers: Patience = {
  quietMs: 10_000,
  longestMs: { before: 31 * 60_000, within: 60_000 },
};
/** Answered at once by a server that is well, and what it is asked when another answer is silent. */
const ofHealth: Patience = { quietMs: 10_000, longestMs: { before: 10_000, within: 10_000 } };
/** /v1/live sends a sign of life every 15 s. Going on after a false alarm costs nothing. */
const ofEvents: Patience = { quietMs: 20_000, longestMs: { before: 20_000, within: 20_000 } };

export const healthPath = '/healthz';

const patiences: ReadonlyMap<string, Patience> = new Map([
  [healthPath, ofHealth],
  ['/readyz', ofHealth],
  ['/v1/live', ofEvents],
]);

/** Why a request was given up. */
export class Silence extends Error {
  /** Whether somebody accepted the connection, and only does not answer. */
  readonly connected: boolean;

  constructor(silentMs: number, connected: boolean) {
    super(`${connected ? 'nothing came for' : 'no connection within'} ${silentMs / 1_000} s`);
    this.connected = connected;
  }
}

/**
 * Destroys a request, or its response, when the server has been silent for too long.
 * @param path of the query API
 * @param isAlive asks the server on another connection
 */
export function watch(asked: ClientRequest, path: string, isAlive: () => Promise<boolean>): void {
  const { quietMs, longestMs } = patiences.get(path) ?? ofAnswers;
  let response: IncomingMessage | undefined;
  let bytesBefore = 0;
  let silentMs = 0;
  let asking = false;
  const end = (): void => {
    const error = new Silence(silentMs, asked.socket?.connecting === false);
    (response ?? asked).destroy(error);
  };
  const tick = async (): Promise<void> => {
    const bytes = asked.socket?.bytesRead ?? 0;
    // Whoever has not taken what came cannot say that the server is silent.
    const unread = (response?.readableLength ?? 0) > 0;
    silentMs = bytes === bytesBefore && !unread ? silentMs + tickMs : 0;
    bytesBefore = bytes;
    const longest = response === undefined ? longestMs.before : longestMs.within;
    if (silentMs >= longest) return end();
    if (silentMs < quietMs || silentMs % quietMs !== 0 || asking) return;
    asking = true;
    const alive = await isAlive();
    asking = false;
    if (!alive && silentMs >= quietMs) end();
  };
  const ticks = setInterval(() => void tick(), tickTakesMs);
  const stop = (): void => clearInterval(ticks);
  asked.once('response', (message: IncomingMessage) => {
    response = message;
    message.once('close', stop);
  });
  asked.once('error', stop);
}
