/**
 * What is written with the counts, in the same batch: the reports. None of it may hold up a flush
 * for longer than it says, nor make one fail for another reason than the store.
 */
import type { PeriodName } from '@reto3/core';
import type { Change } from '../store/store.ts';

export interface Companion {
  /** Whether it takes messages, and so may have something to write that no sweep tells of. */
  readonly takesMessages: boolean;
  /**
   * Collects what is to be written, before a flush; undefined where there is nothing to wait for.
   * With `sync`, what was answered before is in it, but for a thread that stands still.
   */
  gather(options: { readonly sync: boolean }): Promise<void> | undefined;
  /**
   * What has changed since the last write, as absolute values; begins a write.
   * @throws only where the store cannot be read
   */
  changes(): Change[];
  /** The write succeeded, under that number. */
  written(write: number): void;
  /** A write failed, so nobody knows what is on the disk: all in memory is to be written once more. */
  rewriteAll(): void;
  /** Lets go of what is over, and on the disk for certain. */
  forget(nowMs: number, syncedWrites: number): void;
  /** Deletes what belongs to windows of a period before a time, epoch ms. */
  deleteBefore(period: PeriodName, beforeMs: number): Promise<void>;
}
