/**
 * Whose windows can be followed: this node's, the cluster's and those of each of its nodes. One feed
 * for all who follow the same.
 */
import type { Cluster } from '@reto3/cluster';
import type { ScopeSelector } from '@reto3/core';
import { type Coordinator, type CountsView, LiveFeed } from '@reto3/engine';
import { inCluster, viewOf } from './scope.ts';

/** Counts as they become final, and those that are older. */
export interface LiveCounts {
  readonly feed: LiveFeed;
  /** To be closed. */
  view(): CountsView;
}

export class Feeds {
  /** This server's own windows. */
  readonly own: LiveFeed;
  readonly #counts: { readonly coordinator: Coordinator; readonly cluster: Cluster | undefined };
  #ofCluster: LiveFeed | undefined;
  readonly #ofNodes = new Map<string, LiveFeed>();

  constructor(
    own: LiveFeed,
    counts: { readonly coordinator: Coordinator; readonly cluster: Cluster | undefined },
  ) {
    this.own = own;
    this.#counts = counts;
  }

  /** @throws Reto3Error RETO3_NO_CLUSTER, RETO3_NO_SUCH_NODE */
  of(whose: ScopeSelector): LiveCounts {
    return { feed: this.#feed(whose), view: () => viewOf(whose, this.#counts) };
  }

  /** Drops everybody. */
  close(): void {
    for (const feed of [this.own, this.#ofCluster, ...this.#ofNodes.values()]) feed?.close();
  }

  #feed({ scope, node }: ScopeSelector): LiveFeed {
    if (scope === 'node') return this.own;
    const cluster = inCluster(this.#counts.cluster);
    if (node === undefined) {
      this.#ofCluster ??= new LiveFeed(cluster.live());
      return this.#ofCluster;
    }
    // Only nodes that there are get so far, so there are not more feeds than nodes.
    const feed = this.#ofNodes.get(node) ?? new LiveFeed(cluster.live(node));
    this.#ofNodes.set(node, feed);
    return feed;
  }
}
