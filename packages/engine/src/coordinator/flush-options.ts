/** The options and events of the flusher. */
import type { Ack } from '@reto3/core';

export interface FlushEvents {
  /** Everything that workers added under the flush number or an earlier one is on disk. */
  flushed(flush: number): void;
  /** A write or the reopening of the store failed; once for each new reason. */
  failed(error: unknown): void;
  /** Everything is written again. */
  recovered(): void;
}

export interface FlushOptions {
  /** Time between records, ms. */
  readonly flushMs: number;
  readonly ack: Ack;
}
