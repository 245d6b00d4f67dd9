/** Whose counts the page shows, and how an address says it. */
import type { Stats } from '@reto3/client/answers';

/** Those of the server that sent the page, or of all nodes that it adds up. */
type Scope = Stats['scope'];

export interface Whose {
  readonly scope: Scope;
  /** One of the nodes that the server adds up. */
  readonly node?: string;
}

export function isSame(one: Whose, other: Whose): boolean {
  return one.scope === other.scope && one.node === other.node;
}

/** As parameters of an address, of the query API's and of the page's own. */
export function whoseText({ scope, node }: Whose): string {
  return `scope=${scope}${node === undefined ? '' : `&node=${encodeURIComponent(node)}`}`;
}
