/**
 * The interface of an HTTP engine, which serves the ingest port in one worker. There are two:
 * uWebSockets.js (uws/) and Node's own server (node/). worker.ts opens one and forwards the
 * messages of the main thread.
 *
 * Every engine keeps these promises:
 * - It counts a message once, before it answers 200, with a single reading of the clock. It answers
 *   every message that it counts, unless the client has left.
 * - With `--ack durable` it answers after the flush that holds the message (AwaitingFlush). While
 *   the store fails, it answers 503 and does not count.
 * - It counts nothing that its parser rejects, and nothing after that on the same connection.
 * - It closes connections that are idle for 10 s, send too large a body or exceed the limit.
 * - If a Content-Length is not a number, it closes the connection without an answer, or answers with
 *   the Server header `ingestServer`. Clients recognise the ingest port by that
 *   (client/ingest-port.ts).
 */
import type { Ack } from '@reto3/core';
import type { TlsFiles } from '../config/tls.ts';
import type { Counting } from './counting.ts';

/** A connection that sends or reads nothing for this long is closed. */
export const idleSeconds = 10;

/** The parameters of an engine. */
export interface EngineWork {
  readonly host: string;
  readonly port: number;
  /** Whether other workers listen on the same port. */
  readonly sharesPort: boolean;
  readonly ack: Ack;
  /** Undefined for plain HTTP. */
  readonly tls: TlsFiles | undefined;
  /** A connection that sends a larger body is closed. */
  readonly maxBodyBytes: number;
  /** Connections beyond this number are closed at once. */
  readonly maxConnections: number;
  /** Counts the messages. */
  readonly counting: Counting;
  /** The ring's control words, for answers that wait for a flush. */
  readonly control: Int32Array<SharedArrayBuffer>;
  /** Called for each connection that ended without a message. */
  readonly onSilentEnd: () => void;
}

/** A listening engine. */
export interface HttpEngine {
  readonly port: number;
  /** Such as `20.57.0 (newer build)`. */
  readonly version: string;
  /** Whether it calls `onSilentEnd`. */
  readonly reportsConnections: boolean;
  /**
   * Called when a flush is on disk: answers every message that waits for it or for an earlier one.
   */
  flushed(flush: number): void;
  storeFailing(failing: boolean): void;
  /**
   * Rereads the certificate and key, for new connections. The files have been validated. With
   * uWebSockets.js, a connection that is just being opened may be reset.
   */
  renewTls(): Promise<void>;
  /** Stops accepting connections; open ones continue. */
  stopListening(): void;
  /** Closes every connection at once and removes everything of ours from the event loop. */
  close(): void;
}

/**
 * Opens an engine; resolves when it accepts requests.
 * @throws Reto3Error RETO3_CANNOT_LISTEN, RETO3_UWS_MISSING
 */
export type OpenEngine = (work: EngineWork) => Promise<HttpEngine>;
