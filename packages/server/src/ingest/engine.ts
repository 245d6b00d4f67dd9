/**
 * What an HTTP engine does: it serves the ingest port in one worker. There are two, uWebSockets.js
 * (uws/) and Node's own server (node/); engines.ts lists them. worker.ts opens one and passes on what
 * the main thread says.
 *
 * An engine keeps these promises:
 * - It counts a message before it answers 200, once, and by one reading of the clock. Whatever it
 *   counts it answers, unless the client is gone.
 * - With `--ack durable` it answers after the flush that holds the message (AwaitingFlush), and 503,
 *   uncounted, while the store fails.
 * - It counts nothing that its parser refuses, and nothing behind that on the same connection.
 * - It closes connections that are quiet for 10 s, have too large a body or are too many.
 * - It refuses a request whose Content-Length is no number: it closes the connection without an answer,
 *   or answers with the Server header `ingestServer`. Clients recognise the ingest port by that
 *   (client/ingest-port.ts).
 */
import type { Ack } from '@reto3/core';
import type { TlsFiles } from '../config/tls.ts';
import type { Counting } from './counting.ts';

/** A connection that is quiet for so long is closed: it sends nothing, or reads nothing. */
export const quietSeconds = 10;

/** What an engine works with. */
export interface EngineWork {
  readonly host: string;
  readonly port: number;
  /** Whether other workers listen on the same port. */
  readonly sharesPort: boolean;
  readonly ack: Ack;
  /** undefined: plain HTTP. */
  readonly tls: TlsFiles | undefined;
  /** A connection whose body is larger is closed. */
  readonly mostBodyBytes: number;
  /** Connections above that many are closed at once. */
  readonly mostConnections: number;
  /** Where messages are counted. */
  readonly counting: Counting;
  /** The ring's control words, for answers that wait for a flush. */
  readonly control: Int32Array<SharedArrayBuffer>;
  /** To be called for each connection that ended without a message. */
  readonly endedSilent: () => void;
}

/** An engine that listens. */
export interface HttpEngine {
  readonly port: number;
  /** Such as `20.57.0 (newer build)`. */
  readonly version: string;
  /** Whether it calls `endedSilent`. */
  readonly tellsConnections: boolean;
  /** Everything that waited for that flush or an earlier one is on the disk. */
  flushed(flush: number): void;
  storeFailing(failing: boolean): void;
  /**
   * Reads the certificate and key again, for connections that come from now on. The files were
   * validated. With uWebSockets.js, one that is just being opened may be reset.
   */
  renewTls(): Promise<void>;
  /** Takes no new connections; those that are open go on. */
  stopListening(): void;
  /** Closes every connection at once, and leaves nothing on the event loop. */
  close(): void;
}

/**
 * Opens an engine; resolves when it accepts requests.
 * @throws Reto3Error RETO3_CANNOT_LISTEN, RETO3_UWS_MISSING
 */
export type OpenEngine = (work: EngineWork) => Promise<HttpEngine>;
