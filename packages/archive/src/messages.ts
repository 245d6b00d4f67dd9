/** What the main thread and the archive's thread say to each other. */

/** Given to the archive's thread when it starts. */
export interface ArchiveStart {
  readonly memory: SharedArrayBuffer;
  /** The archive's, absolute. */
  readonly folder: string;
  /** How many writes the store has had: what segments have of later ones is cut off. */
  readonly writes: number;
  readonly limits: ArchiveLimits;
}

export interface ArchiveLimits {
  readonly mostBytes: number;
  /** Infinity: for ever. */
  readonly mostAgeMs: number;
}

/** A write of the store that succeeded. */
export interface Stored {
  /** Every message that a worker added under that flush number or an earlier one is in it. */
  readonly flush: number;
  /** Its number. */
  readonly write: number;
  /** How many writes are on the disk for certain. */
  readonly syncedWrites: number;
}

export type ToArchive =
  | { readonly stored: Stored }
  /** The store gave messages up: what waits, up to that flush, must not be archived. */
  | { readonly gaveUp: number }
  /** Count again what is on the disk; the answer has that number. */
  | { readonly recount: number }
  /** Write what is left, and leave. */
  | { readonly stop: true };

/** Since the start, unless it says otherwise. */
export interface ArchiveStatus {
  readonly archived: number;
  /** Taken from the workers and given up. */
  readonly discarded: number;
  /** On the disk, those of earlier starts too. */
  readonly messages: number;
  readonly files: number;
  readonly bytes: number;
  /** Start of the oldest hour, epoch ms; undefined where there is none. */
  readonly oldestHour: number | undefined;
  readonly deletedFiles: number;
  readonly deletedMessages: number;
  /** Why nothing can be written now; undefined where all is well. */
  readonly failing: string | undefined;
}

/** What is on the disk, counted again from the files themselves. */
export interface Recount {
  readonly recounted: number;
  /** As the status had it in the same moment. */
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
