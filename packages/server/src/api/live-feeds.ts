/** The live feeds: one for each scope and node that a client follows, shared by its followers. */
import type { Cluster } from '@reto3/cluster';
import { type Log, type LogMoment, Mistakes, type ScopeSelector } from '@reto3/core';
import { type Coordinator, type CountsView, LiveFeed, type LiveSource } from '@reto3/engine';
import { openView, requireCluster } from './scope.ts';

/** The counts of one scope: the live feed, and a view of older windows. */
export interface LiveCounts {
  readonly feed: LiveFeed;
  /** Which moment the logs among them mark now; see `commonMoment`. */
  readonly moment: LogMoment | undefined;
  /** The caller closes the store of the view. */
  view(): CountsView;
}

export class LiveFeeds {
  /** This server's own windows. */
  readonly own: LiveFeed;
  readonly #counts: { readonly coordinator: Coordinator; readonly cluster: Cluster | undefined };
  readonly #mistakes: Mistakes;
  #ofCluster: LiveFeed | undefined;
  readonly #ofNodes = new Map<string, LiveFeed>();

  constructor(
    counts: { readonly coordinator: Coordinator; readonly cluster: Cluster | undefined },
    log: Pick<Log, 'error'>,
  ) {
    this.#counts = counts;
    this.#mistakes = new Mistakes(log);
    this.own = this.#feedOf(counts.coordinator);
  }

  /** @throws Reto3Error RETO3_NO_CLUSTER, RETO3_NO_SUCH_NODE */
  of(selector: ScopeSelector): LiveCounts {
    return {
      feed: this.#feed(selector),
      moment: selector.scope === 'node' ? this.#counts.coordinator.moment : undefined,
      view: () => openView(selector, this.#counts),
    };
  }

  /** Disconnects every listener. */
  close(): void {
    for (const feed of [this.own, this.#ofCluster, ...this.#ofNodes.values()]) feed?.close();
  }

  #feed({ scope, node }: ScopeSelector): LiveFeed {
    if (scope === 'node') return this.own;
    const { merger } = requireCluster(this.#counts.cluster);
    if (node === undefined) {
      this.#ofCluster ??= this.#feedOf(merger.live());
      return this.#ofCluster;
    }
    // `live` throws for unknown nodes, so there are at most as many feeds as nodes.
    const feed = this.#ofNodes.get(node) ?? this.#feedOf(merger.live(node));
    this.#ofNodes.set(node, feed);
    return feed;
  }

  #feedOf(source: LiveSource): LiveFeed {
    return new LiveFeed(source, (error) => this.#mistakes.add(error, 'cannot send live windows'));
  }
}
