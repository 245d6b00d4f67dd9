/**
 * What the main thread and the ingest workers say to each other. Counts never travel here: they are
 * in the ring.
 */
import type { Ack } from '../config.ts';

/** Given to a worker when it starts. */
export interface WorkerStart {
  readonly memory: SharedArrayBuffer;
  /** Its stripe, from 0. */
  readonly worker: number;
  readonly host: string;
  /** 0 asks the operating system for a free port. */
  readonly port: number;
  readonly ack: Ack;
}

export type ToWorker =
  /** Everything that waited for that flush or an earlier one is on the disk. */
  | { readonly flushed: number }
  | { readonly storeFailing: boolean }
  /** Take no new connections; those that are open go on. */
  | { readonly stop: 'listening' }
  /** Close every connection and exit. */
  | { readonly stop: 'all' };

export type FromWorker =
  | { readonly listening: true; readonly port: number; readonly uwsVersion: string }
  | {
      readonly listening: false;
      readonly code: 'RETO3_CANNOT_LISTEN' | 'RETO3_UWS_MISSING';
      readonly reason: string;
    };
