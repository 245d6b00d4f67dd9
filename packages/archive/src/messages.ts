/** The messages between the main thread and the archive's thread. */

/** The archive thread's `workerData`. */
export interface ArchiveStart {
  readonly memory: SharedArrayBuffer;
  /** The archive's, absolute. */
  readonly folder: string;
  /** The writes that the store has had. Later ones are cut off from segments. */
  readonly writes: number;
  readonly limits: ArchiveLimits;
}

export interface ArchiveLimits {
  readonly maxBytes: number;
  /** Infinity means forever. */
  readonly maxAgeMs: number;
}

/** A write of the store that succeeded. */
export interface Stored {
  /** It has every message that a worker added under this flush number or an earlier one. */
  readonly flush: number;
  /** The number of this write. */
  readonly write: number;
  /** The newest write that is synced to disk. */
  readonly syncedWrites: number;
}

export type ToArchive =
  | { readonly stored: Stored }
  /** The store gave messages up: discard what waits, through this flush. */
  | { readonly gaveUp: number }
  /** Count the messages in files; the answer has this number. */
  | { readonly recount: number }
  /** Write the rest and exit. */
  | { readonly stop: true };

/** Since the start, unless stated otherwise. */
export interface ArchiveStatus {
  readonly archived: number;
  /** Taken from the workers, then given up by the store. */
  readonly discarded: number;
  /** On disk, including earlier starts. */
  readonly messages: number;
  readonly files: number;
  readonly bytes: number;
  /** Start of the oldest hour, epoch ms; undefined if there is none. */
  readonly oldestHour: number | undefined;
  readonly deletedFiles: number;
  readonly deletedMessages: number;
  /** Why writing fails now; undefined if it does not. */
  readonly failing: string | undefined;
}

/** The messages on disk, counted in the files. */
export interface Recount {
  readonly recounted: number;
  /** The status at the same moment. */
  readonly expected: number;
  /** In the footers of Parquet files and the batches of segments. */
  readonly found: number;
}

export type ArchiveEvent = {
  readonly level: 'info' | 'warn' | 'error';
  readonly text: string;
};

export type FromArchive =
  | { readonly ready: true }
  | {
      readonly ready: false;
      readonly code: 'RETO3_DUCKDB_MISSING' | undefined;
      readonly reason: string;
    }
  | { readonly status: ArchiveStatus }
  | { readonly event: ArchiveEvent }
  | Recount
  | { readonly recounted: number; readonly failed: string };
