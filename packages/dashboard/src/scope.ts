/** Which counts the page shows: those of this server, of its cluster, or of one node. */
import type { Stats } from '@reto3/client/answers';

/** `node` is the server that sent the page, `cluster` the sum of all nodes that it merges. */
type Scope = Stats['scope'];

export interface ScopeSelector {
  readonly scope: Scope;
  /** One node of the cluster. */
  readonly node?: string;
}

export function isSame(one: ScopeSelector, other: ScopeSelector): boolean {
  return one.scope === other.scope && one.node === other.node;
}

/** The selector as query parameters, for the query API and for the address of the page. */
export function selectorQuery({ scope, node }: ScopeSelector): string {
  return `scope=${scope}${node === undefined ? '' : `&node=${encodeURIComponent(node)}`}`;
}
