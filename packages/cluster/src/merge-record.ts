/**
 * What a merger writes down of itself beside its parts and blocks, in one row: its nodes, and up to
 * which message of which stream all that it has is in the store.
 */
import { isPlainName } from '@reto3/core';
import { seal, unseal } from '@reto3/engine';
import { mostAheadMs, mostBootAheadMs } from './incoming.ts';
import type { NodeRecord } from './merge-state.ts';
import type { NodeReports } from './merged-reports.ts';
import type { StreamPlace } from './stream-reader.ts';
import { Vouches } from './vouches.ts';

const version = 1;

/** Its place is behind the last message that is in the store. */
export interface MergeRecord extends StreamPlace {
  readonly finalThrough: number;
  readonly nodes: readonly NodeRecord[];
  /** What is known of the reports of each node. */
  readonly reports: readonly NodeReports[];
}

export function encodeMergeRecord(record: MergeRecord): string {
  const nodes = record.nodes.map(({ vouches, heardAt: _, ...node }) => ({
    ...node,
    vouches: vouches.steps,
  }));
  return seal(JSON.stringify({ version, ...record, nodes }));
}

/**
 * @param nowMonotonicMs when the nodes are taken to have been heard of last
 * @returns undefined where it is damaged, or of another version: then all is built anew
 */
export function decodeMergeRecord(text: string, nowMonotonicMs: number): MergeRecord | undefined {
  const json = unseal(text);
  if (json === undefined) return undefined;
  // The checksum says that a program of ours wrote it, so its version tells its shape.
  const stored: StoredRecord = JSON.parse(json);
  if (stored.version !== version) return undefined;
  const { voidFrom, ...rest } = stored;
  const nodes = stored.nodes.map((node) => ({
    ...(voidFrom !== undefined && { voidFrom }),
    ...node,
    heardAt: nowMonotonicMs,
    vouches: new Vouches(node.vouches),
  }));
  return { ...rest, nodes, reports: stored.reports ?? [] };
}

/**
 * A record without what cannot be so by that wall clock: a version of reto3 that believed every
 * message may have written down any time, boot and name.
 */
export function believable(record: MergeRecord, wallMs: number): MergeRecord {
  const lastBoot = wallMs + mostBootAheadMs;
  const nodes = record.nodes
    .filter(({ name }) => isPlainName(name))
    .map((node) => ({
      ...node,
      mark: Math.min(node.mark, wallMs + mostAheadMs),
      vouches: new Vouches(node.vouches.steps.filter(({ boot }) => boot <= lastBoot)),
      ...(node.boot > lastBoot && { boot: 0, revision: 0, unread: 0 }),
    }));
  const reports = record.reports.map((node) => ({
    ...node,
    ...(node.voids > lastBoot && { voids: 0 }),
    ...(node.boot > lastBoot && { boot: 0, revision: 0 }),
  }));
  return { ...record, finalThrough: Math.min(record.finalThrough, wallMs), nodes, reports };
}

type StoredNode = Omit<NodeRecord, 'vouches' | 'heardAt'> & {
  readonly vouches: Vouches['steps'];
};
type StoredRecord = Omit<MergeRecord, 'nodes' | 'reports'> & {
  readonly version: number;
  /** Of all nodes, as a version of reto3 wrote it that did not say whose. */
  readonly voidFrom?: number;
  /** Absent where a version of reto3 wrote it that knew of none. */
  readonly reports?: readonly NodeReports[];
  readonly nodes: readonly StoredNode[];
};
