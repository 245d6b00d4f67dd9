/** Whose counts a question is about: this server's, those of its cluster, or of one of its nodes. */
import type { Cluster } from '@reto3/cluster';
import { ms10, type Period, Reto3Error, type ScopeSelector } from '@reto3/core';
import type { Coordinator, CountsView } from '@reto3/engine';
import type { WhoseQuery } from './schemas.ts';

/** What only a server of a cluster has. @throws Reto3Error RETO3_NO_CLUSTER */
export function inCluster<T>(cluster: T | undefined): T {
  if (cluster !== undefined) return cluster;
  throw new Reto3Error('RETO3_NO_CLUSTER', 'this server is no part of a cluster');
}

/** What `scope` and `node` of a question say. @throws Reto3Error RETO3_BAD_REQUEST */
export function whoseOf({ scope, node }: WhoseQuery): ScopeSelector {
  if (node === undefined) return { scope: scope ?? 'node' };
  if (scope !== 'node') return { scope: 'cluster', node };
  throw new Reto3Error(
    'RETO3_BAD_REQUEST',
    `got node=${node} with scope=node, want scope=cluster: single nodes are had of whoever adds them up`,
  );
}

/** How many windows are read for one of the answer: those of a single node are added up of its ms10. */
export function readPerWindow({ windowMs }: Period, { node }: ScopeSelector): number {
  return node === undefined ? 1 : windowMs / ms10.windowMs;
}

/** All those counts; to be closed. @throws Reto3Error RETO3_NO_CLUSTER, RETO3_NO_SUCH_NODE */
export function viewOf(
  { scope, node }: ScopeSelector,
  counts: { readonly coordinator: Coordinator; readonly cluster: Cluster | undefined },
): CountsView {
  return scope === 'cluster' ? inCluster(counts.cluster).view(node) : counts.coordinator.view();
}
