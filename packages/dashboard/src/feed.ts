/**
 * The newest 10 ms windows, kept current through one connection, whatever becomes of it: a server
 * that restarts, a network that fails, a tab that sleeps. What was missed is asked for.
 *
 * One connection and not one for each period: browsers open six to a host, all tabs together.
 */
import type { LiveEvent } from '@reto3/client/answers';
import { type Client, Refusal } from './client.ts';
import { foldedMs10Ms } from './fold.ts';
import { periods } from './period.ts';
import { Series } from './series.ts';

/** Enough for the heat map of a live view, which so needs no second request. */
const keptMs = foldedMs10Ms + 10_000;
/** Ages are counted from the server's clock, which is a little past the newest final window. */
const ageSlackMs = 2_000;
const firstRetryMs = 250;
const lastRetryMs = 3_000;
/** Events come ten times a second; silence means that nobody is there. */
const silenceMs = 5_000;
/** A cluster waits for its slowest node; the server still says every 15 s that it is there. */
const clusterSilenceMs = 20_000;

/** refused: the server is there, and does not have these counts. */
export type FeedState = 'connecting' | 'open' | 'lost' | 'refused' | 'locked';

export interface FeedEvents {
  /** There is more in `series`. */
  moved(): void;
  changed(state: FeedState, reason: string): void;
}

/** Why a connection was given up whose windows are not wanted any more. */
class Restart extends Error {}

export class Feed {
  readonly #client: Client;
  readonly #events: FeedEvents;
  #series: Series | undefined;
  #messagesInAll: number | undefined;
  #heardAt = 0;
  /** When windows came last. */
  #takenAt = 0;
  #state: FeedState = 'connecting';
  #connection = new AbortController();
  #wake: (() => void) | undefined;

  constructor(client: Client, events: FeedEvents) {
    this.#client = client;
    this.#events = events;
  }

  get state(): FeedState {
    return this.#state;
  }

  /** The last five minutes; undefined until the server has answered. */
  get series(): Series | undefined {
    return this.#series;
  }

  /** End of the newest window that is here, epoch ms: what is "now" on this page. */
  get finalThrough(): number | undefined {
    return this.#series?.to;
  }

  /** Everything that was counted before `finalThrough`; undefined where nobody says. */
  get messagesInAll(): number | undefined {
    return this.#messagesInAll;
  }

  /** Runs for as long as the page. */
  async run(): Promise<never> {
    document.addEventListener('visibilitychange', () => this.#visibilityChanged());
    setInterval(() => {
      const most = this.#client.whose.scope === 'cluster' ? clusterSilenceMs : silenceMs;
      if (this.#state === 'open' && performance.now() - this.#heardAt > most)
        this.#connection.abort(new Error(`nothing came for ${most / 1_000} s`));
    }, 1_000);
    for (let retryMs = firstRetryMs; ; ) {
      if (document.hidden) await this.#sleep();
      try {
        await this.#connect();
        retryMs = firstRetryMs;
        this.#change('lost', 'the server closed the connection');
      } catch (error) {
        if (error instanceof Restart) continue;
        if (error instanceof Refusal && error.status === 401) {
          this.#change('locked', error.message);
          await this.#sleep();
          continue;
        }
        if (this.#state === 'open') retryMs = firstRetryMs;
        const refused = error instanceof Refusal && error.status < 500;
        const reason = error instanceof Error ? error.message : String(error);
        this.#change(refused ? 'refused' : 'lost', reason);
      }
      await this.#sleep(retryMs);
      retryMs = Math.min(retryMs * 2, lastRetryMs);
    }
  }

  /** Tries again at once: there is a token now, or somebody asks for it. */
  retry(): void {
    this.#wake?.();
  }

  /** Forgets everything and begins anew: other counts are wanted. */
  restart(): void {
    this.#series = undefined;
    this.#messagesInAll = undefined;
    this.#change('connecting', '');
    this.#connection.abort(new Restart());
    this.#wake?.();
  }

  async #connect(): Promise<void> {
    this.#connection = new AbortController();
    const { signal } = this.#connection;
    const known = performance.now() - this.#takenAt < keptMs ? this.#series?.to : undefined;
    const since = known ?? `${keptMs}ms`;
    let fresh = known === undefined;
    const heard = (): void => {
      this.#heardAt = performance.now();
    };
    for await (const columns of this.#client.live('ms10', since, heard, signal)) {
      signal.throwIfAborted();
      if (this.#take(columns, fresh)) fresh = false;
      this.#change('open', '');
    }
  }

  /** Whether there was something to take: a cluster of which no node has been heard has nothing. */
  #take(columns: LiveEvent, fresh: boolean): boolean {
    if (columns.finalThrough === 0) return false;
    this.#takenAt = performance.now();
    this.#messagesInAll = columns.messagesInAll;
    // Where the clock stepped back, what we have lies in the future.
    const steppedBack = this.#series !== undefined && columns.finalThrough < this.#series.to;
    if (this.#series === undefined || fresh || steppedBack) {
      const from = Math.min(columns.from, columns.finalThrough - keptMs + ageSlackMs);
      this.#series = new Series(periods.ms10, { ...columns, from: from - (from % 10) });
    } else {
      this.#series.append(columns);
    }
    this.#series.forgetBefore(this.#series.to - keptMs);
    this.#events.moved();
    return true;
  }

  #visibilityChanged(): void {
    if (document.hidden) this.#connection.abort(new Error('the page is hidden'));
    else this.#wake?.();
  }

  #change(state: FeedState, reason: string): void {
    // A second token may be refused as well, and is to be asked for again.
    if (state === this.#state && state !== 'locked') return;
    this.#state = state;
    this.#events.changed(state, reason);
  }

  /** Until somebody wakes it, or a time is over. */
  #sleep(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
