/**
 * What the main thread and the ingest workers say to each other. Counts never travel here: they are
 * in the ring.
 */
import type { Ack } from '../config.ts';
import type { DelayHistogram } from '../metrics/event-loop-delay.ts';
import type { TlsFiles } from './tls.ts';

/** Given to a worker when it starts. */
export interface WorkerStart {
  readonly memory: SharedArrayBuffer;
  /** Its stripe, from 0. */
  readonly worker: number;
  readonly host: string;
  /** 0 asks the operating system for a free port. */
  readonly port: number;
  readonly ack: Ack;
  /** undefined: plain HTTP. */
  readonly tls: TlsFiles | undefined;
}

export type ToWorker =
  /** Everything that waited for that flush or an earlier one is on the disk. */
  | { readonly flushed: number }
  | { readonly storeFailing: boolean }
  /** Measure how late the event loop is, from now on. */
  | { readonly watchDelay: true }
  /** Take no new connections; those that are open go on. */
  | { readonly stop: 'listening' }
  /** Close every connection and exit. */
  | { readonly stop: 'all' };

/** The first that a worker says. */
export type Listening =
  | { readonly listening: true; readonly port: number; readonly uwsVersion: string }
  | {
      readonly listening: false;
      readonly code: 'RETO3_CANNOT_LISTEN' | 'RETO3_UWS_MISSING';
      readonly reason: string;
    };

/** Shares its memory with the worker's own, so it need be sent but once. */
export interface DelayWatched {
  readonly delays: DelayHistogram;
}

export type FromWorker = Listening | DelayWatched;
