/**
 * Windows that are not in the feed: older ones, seconds and minutes. For each period one stretch is
 * kept, that around what is looked at; a stretch that ends now grows as windows become final.
 */
import type { Client } from './client.ts';
import { type Period, type PeriodName, periods } from './period.ts';
import { Series } from './series.ts';
import type { Range } from './view.ts';

const retryAfterMs = 1_000;
/** A stretch that has grown to so many windows beyond what is looked at is cut. */
const mostSpareSpans = 3;

export class History {
  readonly #client: Pick<Client, 'stats'>;
  readonly #changed: (problem: unknown) => void;
  readonly #stretches = new Map<PeriodName, Series>();
  readonly #loading = new Set<PeriodName>();
  /** Changes when all is forgotten: what was asked for before that is not taken. */
  #epoch = 0;
  /** Why the last answer failed; undefined if it did not. */
  #problem: unknown;

  /** @param changed called when there is something to draw, with the problem if there is one */
  constructor(client: Pick<Client, 'stats'>, changed: (problem: unknown) => void) {
    this.#client = client;
    this.#changed = changed;
  }

  get loading(): boolean {
    return this.#loading.size > 0;
  }

  /**
   * What is known of a period, and begins to load what is missing of the range (aligned to windows,
   * all final). `changed` is called when it is there.
   */
  series(name: PeriodName, range: Range): Series | undefined {
    const stretch = this.#stretches.get(name);
    if (stretch?.covers(range) !== true && !this.#loading.has(name)) {
      this.#loading.add(name);
      void this.#load(periods[name], range, stretch);
    }
    return stretch;
  }

  /** Loads everything anew when it is next asked for: the server may have changed. */
  forget(): void {
    this.#epoch++;
    this.#stretches.clear();
    this.#loading.clear();
  }

  async #load(period: Period, range: Range, stretch: Series | undefined): Promise<void> {
    const { name } = period;
    const epoch = this.#epoch;
    const isStale = (): boolean => epoch !== this.#epoch;
    try {
      const joins = stretch !== undefined && range.from >= stretch.from && range.from <= stretch.to;
      if (joins) {
        const columns = await this.#client.stats(name, { from: stretch.to, to: range.to });
        if (isStale()) return;
        stretch.append(columns);
        stretch.forgetBefore(range.from - mostSpareSpans * (range.to - range.from));
      } else {
        // As much again before it, for whoever pans.
        const from = Math.max(0, range.from - (range.to - range.from));
        const columns = await this.#client.stats(name, { from, to: range.to });
        if (isStale()) return;
        this.#stretches.set(name, new Series(period, { ...columns, to: range.to }));
      }
      this.#loading.delete(name);
      this.#problem = undefined;
      this.#changed(undefined);
    } catch (error) {
      if (isStale()) return;
      this.#problem = error;
      this.#changed(error);
      setTimeout(() => {
        if (isStale()) return;
        this.#loading.delete(name);
        this.#changed(this.#problem);
      }, retryAfterMs);
    }
  }
}
