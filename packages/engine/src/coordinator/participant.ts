/**
 * Who takes part in every flush beside the counts: reports, the archive, the publisher of a node,
 * whoever follows a log.
 *
 * What a participant writes travels in the same journal record as the counts, so after a crash both
 * are there or neither is. None of it may hold up a flush for longer than it says, nor make one fail
 * for another reason than the store.
 */
import type { PeriodName } from '@reto3/core';
import type { HeldRow } from '../journal/record.ts';
import type { Published } from '../store/meta.ts';

/** A record of the journal that was written. */
export interface Written {
  /** What workers added under that flush number or an earlier one is in it. */
  readonly flush: number;
  /** Its number. */
  readonly write: number;
  /** All writes up to that number are on the disk. */
  readonly syncedWrites: number;
  /** Starts of the seconds that it changed, epoch ms. */
  readonly changed: readonly number[];
  /** Up to where it holds everything that is final, epoch ms. */
  readonly finalThrough: number;
}

export interface FlushParticipant {
  /** Whether it may have something to write that no sweep tells of. */
  readonly isActive?: boolean;
  /**
   * Collects what is to be written, before a flush; undefined where there is nothing to wait for.
   * With `sync`, what was answered before is in it, unless a thread stands still.
   */
  gather?(options: { readonly sync: boolean }): Promise<void> | undefined;
  /**
   * What has changed since the last record, as absolute values.
   * @throws only where the store cannot be read
   */
  rows?(): readonly HeldRow[];
  /** How far it has published, for this record. */
  published?(): Published;
  written?(written: Written): void;
  /** All writes up to that number are on the disk. */
  synced?(write: number): void;
  /** Messages were given up; none that was added under a later flush number is among them. */
  gaveUp?(flush: number): void;
  /** A write failed, so nobody knows what is on the disk: all in memory is to be written once more. */
  rewriteAll?(): void;
  /** Lets go of what is over, and on the disk for certain. */
  forget?(nowMs: number, syncedWrites: number): void;
  /** Deletes what belongs to windows of a period before a time, epoch ms. */
  deleteBefore?(period: PeriodName, beforeMs: number): Promise<void>;
}
