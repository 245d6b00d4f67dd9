/** Resolves `scope` and `node` of a request: this server's counts, the cluster's, or one node's. */
import type { Cluster } from '@reto3/cluster';
import { ms10, type Period, Reto3Error, type ScopeSelector } from '@reto3/core';
import type { Coordinator, CountsView } from '@reto3/engine';
import type { SelectorQuery } from './schemas.ts';

/** @throws Reto3Error RETO3_NO_CLUSTER if the server is not part of a cluster */
export function requireCluster<T>(cluster: T | undefined): T {
  if (cluster !== undefined) return cluster;
  throw new Reto3Error('RETO3_NO_CLUSTER', 'this server is not part of a cluster');
}

/** A `node` alone implies scope=cluster. @throws Reto3Error RETO3_BAD_REQUEST */
export function selectorOf({ scope, node }: SelectorQuery): ScopeSelector {
  if (node === undefined) return { scope: scope ?? 'node' };
  if (scope !== 'node') return { scope: 'cluster', node };
  throw new Reto3Error(
    'RETO3_BAD_REQUEST',
    `got node=${node} with scope=node, want scope=cluster: node selects a node of the cluster`,
  );
}

/** Windows read for each window of the answer: those of a single node are summed from its ms10. */
export function readFactor({ windowMs }: Period, { node }: ScopeSelector): number {
  return node === undefined ? 1 : windowMs / ms10.windowMs;
}

/** The caller closes the view's store. @throws Reto3Error RETO3_NO_CLUSTER, RETO3_NO_SUCH_NODE */
export function openView(
  { scope, node }: ScopeSelector,
  counts: { readonly coordinator: Coordinator; readonly cluster: Cluster | undefined },
): CountsView {
  return scope === 'cluster'
    ? requireCluster(counts.cluster).merger.view(node)
    : counts.coordinator.view();
}
