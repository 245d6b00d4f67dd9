/**
 * A participant of every flush beside the counts: reports, the archive, the publisher of a node, a
 * followed log.
 *
 * Its rows are in the same journal record as the counts, so a crash keeps both or neither. No
 * participant may delay a flush for longer than its time limit, or make one fail except for an
 * error of the store.
 */
import type { Moment, PeriodName } from '@reto3/core';
import type { HeldRow } from '../journal/record.ts';
import type { Published } from '../store/meta.ts';

/** A written record of the journal. */
export interface Written {
  /** It contains what workers added under this flush number or an earlier one. */
  readonly flush: number;
  /** Its number. */
  readonly write: number;
  /** All writes up to this number are on disk. */
  readonly syncedWrites: number;
  /** Starts of the seconds that it changed, epoch ms. */
  readonly changed: readonly number[];
  /** It contains all counts before this time, which is final; epoch ms. */
  readonly finalThrough: number;
}

export interface FlushParticipant {
  /** Whether it may have something to write even if no message came. */
  readonly isActive?: boolean;
  /**
   * Collects its changes before a flush; returns undefined if there is nothing to wait for. With
   * `sync`, it includes everything that was answered before, unless a thread does not respond.
   */
  gather?(options: { readonly sync: boolean }): Promise<void> | undefined;
  /**
   * Its changes since the last record, as absolute values.
   * @throws only if the store cannot be read
   */
  rows?(): readonly HeldRow[];
  /** Which moments of requests its messages mark, if it counts logs. */
  moments?(): Iterable<Moment>;
  /** How far it has published, for this record. */
  published?(): Published;
  written?(written: Written): void;
  /** All writes up to this number are on disk. */
  synced?(write: number): void;
  /** Messages were dropped, all of them added under this flush number or an earlier one. */
  gaveUp?(flush: number): void;
  /** A write failed: everything in memory must be written again, as it may not be on disk. */
  rewriteAll?(): void;
  /** Removes from memory what is finished and certainly on disk. */
  forget?(nowMs: number, syncedWrites: number): void;
  /** Deletes what belongs to windows of a period before a time, epoch ms. */
  deleteBefore?(period: PeriodName, beforeMs: number): Promise<void>;
}
