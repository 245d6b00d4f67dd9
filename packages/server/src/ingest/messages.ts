/**
 * The messages between the main thread and the ingest workers. They carry no counts, which are in
 * the ring, but they carry the accumulators of reports.
 */
import type { Ack, ErrorCode, HttpEngineName } from '@reto3/core';
import type { ReportSource } from '@reto3/reports/load';
import type { Batch, KeptMs } from '@reto3/reports/worker';
import type { TlsFiles } from '../config/tls.ts';
import type { DelayHistogram } from '../metrics/event-loop-delay.ts';

/** The parameters of a worker. */
export interface WorkerStart {
  readonly memory: SharedArrayBuffer;
  /** The number of its stripe, from 0. */
  readonly worker: number;
  readonly http: HttpEngineName;
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
  /**
   * One Int32 per worker: its connections that ended without a message, if the engine reports them.
   */
  readonly silentConnections: SharedArrayBuffer;
  readonly reports: readonly ReportSource[];
  /** How long windows are kept; reports open none that are older. */
  readonly keptMs: KeptMs;
  /** Addresses and networks whose X-Forwarded-For counts; undefined to trust nobody. */
  readonly trustedProxies: readonly string[] | undefined;
  /** Where and how often to hand over messages for the archive; undefined without an archive. */
  readonly archive: ArchiveTarget | undefined;
}

export interface ArchiveTarget {
  readonly memory: SharedArrayBuffer;
  /** How often messages are handed over, ms. */
  readonly handOverMs: number;
}

export type ToWorker =
  /** The flush with this number is on disk, and with it all earlier ones. */
  | { readonly flushed: number }
  | { readonly storeFailing: boolean }
  /** Reread the certificate and key; answered by `renewed`. */
  | { readonly renewTls: true }
  /** Start to measure the event loop delay. */
  | { readonly watchDelay: true }
  /** Hand over the accumulators of the reports, in a batch with this number. */
  | { readonly collect: number }
  /** Stop running the report with this name. */
  | { readonly switchOff: string }
  /** Stop accepting connections; open ones continue. */
  | { readonly stop: 'listening' }
  /** Close every connection and exit. */
  | { readonly stop: 'all' };

/** The answer to `collect`. A worker that exits sends a last one unasked. */
export interface Collected {
  readonly collected: number;
  readonly batch: Batch;
}

/** Whether a worker listens; the others follow it, except for a stray failure. */
export type Listening =
  | {
      readonly listening: true;
      readonly port: number;
      /** The version of the engine. */
      readonly version: string;
      /** Whether the engine reports connections that end without a message. */
      readonly reportsConnections: boolean;
    }
  | {
      readonly listening: false;
      readonly code: ErrorCode;
      readonly reason: string;
    };

/** Sent only once: the histogram shares its memory with the worker's own. */
interface DelayWatched {
  readonly delays: DelayHistogram;
}

/** The answer to `renewTls`, with the reason if it failed. */
interface Renewed {
  readonly renewed: string | undefined;
}

/** A promise or timer failed outside of any call, and the error does not say whose it was. */
interface StrayFailed {
  /** The line to log. */
  readonly strayFailure: string;
  readonly stack: string;
}

export type FromWorker = Listening | DelayWatched | Collected | Renewed | StrayFailed;
