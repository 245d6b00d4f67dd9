/** The messages between the main thread and the archive's thread. */

/** The `workerData` of the archive's thread. */
export interface ArchiveStart {
  readonly memory: SharedArrayBuffer;
  /** The absolute path of the archive. */
  readonly folder: string;
  /** The number of writes in the store. Later ones are cut off from segments. */
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
  /** The write has every message that a worker added under this flush number or an earlier one. */
  readonly flush: number;
  /** The number of this write. */
  readonly write: number;
  /** The newest write that is synced to disk. */
  readonly syncedWrites: number;
}

export type ToArchive =
  | { readonly stored: Stored }
  /** The store gave up messages: discard pending ones up to this flush. */
  | { readonly gaveUp: number }
  /** Count the messages in the files; the answer has this number. */
  | { readonly recount: number }
  /** Write the rest and exit. */
  | { readonly stop: true };

/** Totals since the start, unless stated otherwise. */
export interface ArchiveStatus {
  readonly archived: number;
  /** Taken from the workers, then given up by the store. */
  readonly discarded: number;
  /** On disk, including those of earlier starts. */
  readonly messages: number;
  readonly files: number;
  readonly bytes: number;
  /** Start of the oldest hour, epoch ms; undefined if there is none. */
  readonly oldestHour: number | undefined;
  readonly deletedFiles: number;
  readonly deletedMessages: number;
  /** Why writing fails at present; undefined if it does not. */
  readonly failing: string | undefined;
}

/** The number of messages on disk, from the files. */
export interface Recount {
  readonly recounted: number;
  /** The status at the same moment. */
  readonly expected: number;
  /** The sum over the footers of Parquet files and the batches of segments. */
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
