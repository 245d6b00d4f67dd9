/**
 * Finds out when counting started, so that a live view of a young server begins there instead of
 * being mostly empty. A server reports the start of its own counts, to the minute; for a cluster
 * the page searches.
 */
import type { Info } from '@reto3/client/answers';
import type { Client } from './client.ts';
import { alignDown } from './period.ts';
import type { Series } from './series.ts';

/** How far back the page searches the counts of a cluster. */
const searchedMs = 86_400_000;

export class CountingStart {
  readonly #client: Client;
  #reported: number | undefined;
  /** The result of the search; Infinity if nothing is older than the newest windows. */
  #found: number | undefined;
  #searching = false;

  constructor(client: Client) {
    this.#client = client;
  }

  learn({ countedFrom, viewed }: Pick<Info, 'countedFrom' | 'viewed'>): void {
    this.#reported = viewed?.from ?? countedFrom;
  }

  /** Forgets the result, because the page shows other counts. */
  forget(): void {
    this.#found = undefined;
    this.#searching = false;
  }

  /** The start, epoch ms; undefined if unknown for a view of that length. */
  at(spanMs: number, newest: Series | undefined): number | undefined {
    if (newest === undefined) return undefined;
    const first = newest.starts[0];
    if (this.#client.selector.scope === 'node') {
      const reported = this.#reported;
      if (reported === undefined || reported < newest.from) return reported;
      return newest.starts[newest.indexOf(reported)] ?? reported;
    }
    if (first === undefined || spanMs > searchedMs) return undefined;
    if (this.#found === undefined && first > newest.from) void this.#search(newest.from);
    return this.#found === undefined ? undefined : Math.min(this.#found, first);
  }

  async #search(before: number): Promise<void> {
    if (this.#searching) return;
    this.#searching = true;
    const { selector } = this.#client;
    const to = alignDown(before, 60_000);
    try {
      const { starts } = await this.#client.stats('min', { from: to - searchedMs, to });
      if (selector === this.#client.selector) this.#found = starts[0] ?? Number.POSITIVE_INFINITY;
    } catch {
      // The feed reports the problem; the view keeps its length until a later search succeeds.
    } finally {
      if (selector === this.#client.selector) this.#searching = false;
    }
  }
}
