/**
 * The newest 10 ms windows, received through one connection. It survives a restart of the server, a
 * network failure and a sleeping tab: afterwards it requests the missing windows.
 *
 * There is one connection for all periods, because a browser opens only six to a host, for all its
 * tabs together.
 */
import type { LiveEvent } from '@reto3/client/answers';
import { ApiError, type Client } from './client.ts';
import { foldedMs10Ms } from './fold.ts';
import { periods } from './period.ts';
import { Series } from './series.ts';

/** Enough for the heat map of a live view, so that it needs no second request. */
const retentionMs = foldedMs10Ms + 10_000;
/** The server computes ages from its clock, which is slightly ahead of the newest final window. */
const ageSlackMs = 2_000;
const firstRetryMs = 250;
const lastRetryMs = 3_000;
/** Events come ten times a second, so silence means that the server is gone. */
const silenceMs = 5_000;
/** A cluster waits for its slowest node, but the server still sends a keep-alive every 15 s. */
const clusterSilenceMs = 20_000;

/**
 * refused: the server answers, but does not have these counts. unauthorized: it requires a token.
 */
export type FeedState = 'connecting' | 'open' | 'lost' | 'refused' | 'unauthorized';

export interface FeedEvents {
  /** Called when `series` has new windows. */
  moved(): void;
  changed(state: FeedState, reason: string): void;
}

/** The reason for closing a connection whose windows are no longer needed. */
class Restart extends Error {}

export class Feed {
  readonly #client: Client;
  readonly #events: FeedEvents;
  #series: Series | undefined;
  #messagesInAll: number | undefined;
  #activeAt = 0;
  /** When the last windows arrived. */
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

  /** The windows of the last five minutes; undefined until the first event. */
  get series(): Series | undefined {
    return this.#series;
  }

  /** End of the newest window, epoch ms: "now" on this page. */
  get finalThrough(): number | undefined {
    return this.#series?.to;
  }

  /**
   * The number of messages counted before `finalThrough`; undefined if the server does not report
   * it.
   */
  get messagesInAll(): number | undefined {
    return this.#messagesInAll;
  }

  /** Runs while the page is open. */
  async run(): Promise<never> {
    document.addEventListener('visibilitychange', () => this.#visibilityChanged());
    setInterval(() => {
      const most = this.#client.selector.scope === 'cluster' ? clusterSilenceMs : silenceMs;
      if (this.#state === 'open' && performance.now() - this.#activeAt > most)
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
        if (error instanceof ApiError && error.status === 401) {
          this.#change('unauthorized', error.message);
          await this.#sleep();
          continue;
        }
        if (this.#state === 'open') retryMs = firstRetryMs;
        const refused = error instanceof ApiError && error.status < 500;
        const reason = error instanceof Error ? error.message : String(error);
        this.#change(refused ? 'refused' : 'lost', reason);
      }
      await this.#sleep(retryMs);
      retryMs = Math.min(retryMs * 2, lastRetryMs);
    }
  }

  /** Reconnects at once, for example with a new token. */
  retry(): void {
    this.#wake?.();
  }

  /** Forgets everything and starts over, because the page shows other counts. */
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
    const known = performance.now() - this.#takenAt < retentionMs ? this.#series?.to : undefined;
    const since = known ?? `${retentionMs}ms`;
    let fresh = known === undefined;
    const onActivity = (): void => {
      this.#activeAt = performance.now();
    };
    for await (const columns of this.#client.live('ms10', since, onActivity, signal)) {
      signal.throwIfAborted();
      if (this.#take(columns, fresh)) fresh = false;
      this.#change('open', '');
    }
  }

  /** Returns false for an event without content: the cluster has not heard any node yet. */
  #take(columns: LiveEvent, fresh: boolean): boolean {
    if (columns.finalThrough === 0) return false;
    this.#takenAt = performance.now();
    this.#messagesInAll = columns.messagesInAll;
    // After a clock step backwards, the known windows are in the future.
    const steppedBack = this.#series !== undefined && columns.finalThrough < this.#series.to;
    if (this.#series === undefined || fresh || steppedBack) {
      const from = Math.min(columns.from, columns.finalThrough - retentionMs + ageSlackMs);
      this.#series = new Series(periods.ms10, { ...columns, from: from - (from % 10) });
    } else {
      this.#series.append(columns);
    }
    this.#series.dropBefore(this.#series.to - retentionMs);
    this.#events.moved();
    return true;
  }

  #visibilityChanged(): void {
    if (document.hidden) this.#connection.abort(new Error('the page is hidden'));
    else this.#wake?.();
  }

  #change(state: FeedState, reason: string): void {
    // A second token may be wrong too, so the page must ask again.
    if (state === this.#state && state !== 'unauthorized') return;
    this.#state = state;
    this.#events.changed(state, reason);
  }

  /** Resolves after a time, or when woken. */
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
