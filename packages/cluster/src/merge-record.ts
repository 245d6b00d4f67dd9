/**
 * The merge row: a merger's nodes, and the last message of the stream that its parts and blocks hold.
 */
import { isPlainName } from '@reto3/core';
import { seal, unseal } from '@reto3/engine';
import { mostAheadMs, mostBootAheadMs } from './incoming.ts';
import type { NodeRecord } from './merge-state.ts';
import type { NodeReports } from './merged-reports.ts';
import type { StreamPlace } from './stream-reader.ts';
import { Vouches } from './vouches.ts';

const version = 1;

export interface MergeRecord extends StreamPlace {
  readonly finalThrough: number;
  readonly nodes: readonly NodeRecord[];
  readonly reports: readonly NodeReports[];
}

export function encodeMergeRecord(record: MergeRecord): string {
  const nodes = record.nodes.map(({ vouches, heardAt: _, misses: __, ...node }) => ({
    ...node,
    vouches: vouches.steps,
  }));
  return seal(JSON.stringify({ version, ...record, nodes }));
}

/**
 * @param nowMonotonicMs when all nodes count as heard
 * @returns undefined if it is damaged or of another version
 */
export function decodeMergeRecord(text: string, nowMonotonicMs: number): MergeRecord | undefined {
  const json = unseal(text);
  if (json === undefined) return undefined;
  // The checksum proves that reto3 wrote it, so its version determines its shape.
  const stored: StoredRecord = JSON.parse(json);
  if (stored.version !== version) return undefined;
  const { voidFrom, ...rest } = stored;
  const nodes = stored.nodes.map((node) => ({
    ...(voidFrom !== undefined && { voidFrom }),
    ...node,
    misses: 0,
    heardAt: nowMonotonicMs,
    vouches: new Vouches(node.vouches),
  }));
  return { ...rest, nodes };
}

/**
 * Removes what is impossible by this wall clock: early versions stored any time, boot and name that a
 * message had.
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

type StoredNode = Omit<NodeRecord, 'vouches' | 'heardAt' | 'misses'> & {
  readonly vouches: Vouches['steps'];
};
type StoredRecord = Omit<MergeRecord, 'nodes'> & {
  readonly version: number;
  /** Early versions had one for all nodes. */
  readonly voidFrom?: number;
  readonly nodes: readonly StoredNode[];
};
