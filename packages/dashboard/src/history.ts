/**
 * Windows that the feed lacks: older ones, seconds and minutes. Keeps one segment for each period,
 * around the view. A segment that ends now grows as windows become final.
 */
import type { Client } from './client.ts';
import { type Period, type PeriodName, periods } from './period.ts';
import { Series } from './series.ts';
import type { Range } from './view.ts';

const retryAfterMs = 1_000;
/** How many lengths of the view a segment keeps before it; older windows are trimmed. */
const maxSpareSpans = 3;

export class History {
  readonly #client: Pick<Client, 'stats'>;
  readonly #changed: (problem: unknown) => void;
  readonly #segments = new Map<PeriodName, Series>();
  readonly #loading = new Set<PeriodName>();
  /** Changes with `forget`, so that answers to earlier requests are ignored. */
  #epoch = 0;
  /** The error of the last request; undefined if it succeeded. */
  #problem: unknown;

  /**
   * @param changed called when there are new windows to draw, or with the error of a failed request
   */
  constructor(client: Pick<Client, 'stats'>, changed: (problem: unknown) => void) {
    this.#client = client;
    this.#changed = changed;
  }

  get loading(): boolean {
    return this.#loading.size > 0;
  }

  /**
   * The known windows of a period. If windows are missing in the range (aligned to windows, all
   * final), starts to load them, and calls `changed` when they have arrived.
   */
  series(name: PeriodName, range: Range): Series | undefined {
    const segment = this.#segments.get(name);
    if (segment?.covers(range) !== true && !this.#loading.has(name)) {
      this.#loading.add(name);
      void this.#load(periods[name], range, segment);
    }
    return segment;
  }

  /** Forgets everything, because the server may have changed. */
  forget(): void {
    this.#epoch++;
    this.#segments.clear();
    this.#loading.clear();
  }

  async #load(period: Period, range: Range, segment: Series | undefined): Promise<void> {
    const { name } = period;
    const epoch = this.#epoch;
    const isStale = (): boolean => epoch !== this.#epoch;
    try {
      const joins = segment !== undefined && range.from >= segment.from && range.from <= segment.to;
      if (joins) {
        const columns = await this.#client.stats(name, { from: segment.to, to: range.to });
        if (isStale()) return;
        segment.append(columns);
        segment.dropBefore(range.from - maxSpareSpans * (range.to - range.from));
      } else {
        // Loads as much time again before the range, for panning.
        const from = Math.max(0, range.from - (range.to - range.from));
        const columns = await this.#client.stats(name, { from, to: range.to });
        if (isStale()) return;
        this.#segments.set(name, new Series(period, { ...columns, to: range.to }));
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
