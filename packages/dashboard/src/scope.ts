/** The counts that the page shows: of this server, of its cluster, or of one node. */
import type { Stats } from '@reto3/client/answers';

/** Of the server that sent the page, or of all nodes that it merges. */
type Scope = Stats['scope'];

export interface ScopeSelector {
  readonly scope: Scope;
  /** One node of the cluster. */
  readonly node?: string;
}

export function isSame(one: ScopeSelector, other: ScopeSelector): boolean {
  return one.scope === other.scope && one.node === other.node;
}

/** As query parameters, for the query API and for the page's address. */
export function selectorQuery({ scope, node }: ScopeSelector): string {
  return `scope=${scope}${node === undefined ? '' : `&node=${encodeURIComponent(node)}`}`;
}
