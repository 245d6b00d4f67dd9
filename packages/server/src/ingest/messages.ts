/**
 * What the main thread and the ingest workers say to each other. Counts never travel here: they are
 * in the ring.
 */

/** Given to a worker when it starts. */
export interface WorkerStart {
  readonly memory: SharedArrayBuffer;
  /** Its stripe, from 0. */
  readonly worker: number;
  readonly host: string;
  /** 0 asks the operating system for a free port. */
  readonly port: number;
}

/** From the main thread: stop listening, close every connection, exit. */
export type ToWorker = 'stop';

export type FromWorker =
  | { readonly listening: true; readonly port: number; readonly uwsVersion: string }
  | {
      readonly listening: false;
      readonly code: 'RETO3_CANNOT_LISTEN' | 'RETO3_UWS_MISSING';
      readonly reason: string;
    };
