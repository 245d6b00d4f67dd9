/** What the flusher is told, and what it tells. */
import type { Ack } from '@reto3/core';

export interface FlushEvents {
  /** Everything that workers added under that flush number or an earlier one is on the disk. */
  flushed(flush: number): void;
  /** A write failed, or the store could not be opened again; told once for each new reason. */
  failed(error: unknown): void;
  /** Everything is written again. */
  recovered(): void;
}

export interface FlushOptions {
  /** Time between records, in milliseconds. */
  readonly flushMs: number;
  readonly ack: Ack;
}
