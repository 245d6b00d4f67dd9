/**
 * Since when there are counts, so that a live view of a young server begins there and is not nine
 * tenths empty. A server says it of its own counts, to the minute; of a cluster somebody has to look.
 */
import type { Info } from '@reto3/client/answers';
import type { Client } from './client.ts';
import { alignDown } from './period.ts';
import type { Series } from './series.ts';

/** How far back it is looked for counts of a cluster; for longer views nobody knows. */
const lookedMs = 86_400_000;

export class CountingStart {
  readonly #client: Client;
  #said: number | undefined;
  /** What was found by looking: Infinity where the newest windows are the first. */
  #found: number | undefined;
  #looking = false;

  constructor(client: Client) {
    this.#client = client;
  }

  learn({ countedFrom }: Info): void {
    this.#said = countedFrom;
  }

  /** Other counts are wanted. */
  forget(): void {
    this.#found = undefined;
    this.#looking = false;
  }

  /** Epoch ms; undefined where it is not known for a view of that length. */
  at(spanMs: number, newest: Series | undefined): number | undefined {
    if (newest === undefined) return undefined;
    const first = newest.starts[0];
    if (this.#client.whose.scope === 'node') {
      const said = this.#said;
      if (said === undefined || said < newest.from) return said;
      return newest.starts[newest.indexOf(said)] ?? said;
    }
    if (first === undefined || spanMs > lookedMs) return undefined;
    if (this.#found === undefined && first > newest.from) void this.#look(newest.from);
    return this.#found === undefined ? undefined : Math.min(this.#found, first);
  }

  async #look(before: number): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const { whose } = this.#client;
    const to = alignDown(before, 60_000);
    try {
      const { starts } = await this.#client.stats('min', { from: to - lookedMs, to });
      if (whose === this.#client.whose) this.#found = starts[0] ?? Number.POSITIVE_INFINITY;
    } catch {
      // The feed meets the same trouble, and says so. The view is as long as was asked for.
    }
  }
}
