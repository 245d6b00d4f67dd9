/**
 * What the main thread and the ingest workers say to each other. Counts never travel here: they are
 * in the ring. What reports hold does.
 */
import type { Ack, ErrorCode, HttpEngineName } from '@reto3/core';
import type { ReportSource } from '@reto3/reports/load';
import type { Batch } from '@reto3/reports/worker';
import type { TlsFiles } from '../config/tls.ts';
import type { DelayHistogram } from '../metrics/event-loop-delay.ts';

/** Given to a worker when it starts. */
export interface WorkerStart {
  readonly memory: SharedArrayBuffer;
  /** Its stripe, from 0. */
  readonly worker: number;
  readonly http: HttpEngineName;
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
  /** An Int32 for each worker: its connections that ended without a message, if its engine tells. */
  readonly silentConnections: SharedArrayBuffer;
  readonly reports: readonly ReportSource[];
  /** Addresses and networks whose X-Forwarded-For counts; undefined: nobody's. */
  readonly trustedProxies: readonly string[] | undefined;
  /** Where messages go that are archived, and how often; undefined: none are. */
  readonly archive: ArchiveTarget | undefined;
}

export interface ArchiveTarget {
  readonly memory: SharedArrayBuffer;
  /** What came is handed over so often, in ms. */
  readonly handOverMs: number;
}

export type ToWorker =
  /** Everything that waited for that flush or an earlier one is on the disk. */
  | { readonly flushed: number }
  | { readonly storeFailing: boolean }
  /** Read the certificate and key again; answered by `renewed`. */
  | { readonly renewTls: true }
  /** Measure how late the event loop is, from now on. */
  | { readonly watchDelay: true }
  /** Hand over what the reports hold, under that number. */
  | { readonly collect: number }
  /** Run the report of that name no longer. */
  | { readonly switchOff: string }
  /** Take no new connections; those that are open go on. */
  | { readonly stop: 'listening' }
  /** Close every connection and exit. */
  | { readonly stop: 'all' };

/** Answers to `collect`; the last comes by itself when a worker leaves. */
export interface Collected {
  readonly collected: number;
  readonly batch: Batch;
}

/** The first that a worker says. */
export type Listening =
  | {
      readonly listening: true;
      readonly port: number;
      /** Of the engine. */
      readonly version: string;
      /** Whether its engine tells of connections. */
      readonly tellsConnections: boolean;
    }
  | {
      readonly listening: false;
      readonly code: ErrorCode;
      readonly reason: string;
    };

/** Shares its memory with the worker's own, so it need be sent but once. */
interface DelayWatched {
  readonly delays: DelayHistogram;
}

/** Answers `renewTls`: why it failed, if it did. */
interface Renewed {
  readonly renewed: string | undefined;
}

export type FromWorker = Listening | DelayWatched | Collected | Renewed;
