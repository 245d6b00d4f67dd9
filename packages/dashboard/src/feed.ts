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
import { Stopwatch } from './stopwatch.ts';

/** Enough for the heat map of a live view, so that it needs no second request. */
const retentionMs = foldedMs10Ms + 10_000;
/** The server computes ages from its clock, which is slightly ahead of the newest final window. */
const ageSlackMs = 2_000;
const firstRetryMs = 250;
const lastRetryMs = 3_000;
/** Events come ten times a second, so silence means that the server is gone. */
const silenceMs = 5_000;
/**
 * A cluster waits for its slowest node, but the server still sends a keep-alive every 15 s. A new
 * connection may have to wait for other requests of the browser.
 */
const longSilenceMs = 20_000;

/**
 * refused: the server answers, but does not have these counts. unauthorized: it requires a token.
 */
export type FeedState = 'connecting' | 'open' | 'lost' | 'refused' | 'unauthorized';

export interface FeedEvents {
  /** Called when `series` has new windows. */
  moved(): void;
  changed(state: FeedState, reason: string): void;
}

/** The reason for closing a connection that is not needed any more, which is no failure. */
class Restart extends Error {}
/** The reason for closing a connection on which nothing arrives. */
class Silence extends Error {}

export class Feed {
  readonly #client: Pick<Client, 'live' | 'selector'>;
  readonly #events: FeedEvents;
  #series: Series | undefined;
  #messagesInAll: number | undefined;
  /** When the last bytes arrived, or the connection began. */
  #activeAt = 0;
  #connected = false;
  /** Since the last windows arrived. */
  readonly #sinceWindows = new Stopwatch();
  #state: FeedState = 'connecting';
  #reason = '';
  #connection = new AbortController();
  #wake: (() => void) | undefined;

  constructor(client: Pick<Client, 'live' | 'selector'>, events: FeedEvents) {
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
    setInterval(() => this.#checkSilence(), 1_000);
    for (let retryMs = firstRetryMs; ; ) {
      if (document.hidden) await this.#sleep();
      try {
        await this.#connect();
        retryMs = firstRetryMs;
        this.#change('lost', '');
      } catch (thrown) {
        const { aborted, reason } = this.#connection.signal;
        // Some browsers throw an error of their own instead of the reason.
        const error: unknown = aborted ? reason : thrown;
        if (error instanceof Restart) continue;
        if (error instanceof ApiError && error.status === 401) {
          this.#change('unauthorized', error.message);
          await this.#sleep();
          continue;
        }
        if (this.#state === 'open') retryMs = firstRetryMs;
        const refused = error instanceof ApiError && error.status < 500;
        // Browsers word network failures in their own ways.
        const isKnown = error instanceof ApiError || error instanceof Silence;
        this.#change(refused ? 'refused' : 'lost', isKnown ? error.message : '');
      }
      await this.#sleep(retryMs);
      retryMs = Math.min(retryMs * 2, lastRetryMs);
    }
  }

  /** Connects again at once, for example to find out whether the token is still valid. */
  reconnect(): void {
    this.#connection.abort(new Restart());
    this.#wake?.();
  }

  /** Forgets everything and starts over, because the page shows other counts. */
  restart(): void {
    this.#series = undefined;
    this.#messagesInAll = undefined;
    this.#change('connecting', '');
    this.reconnect();
  }

  async #connect(): Promise<void> {
    this.#connection = new AbortController();
    const { signal } = this.#connection;
    const isRecent = this.#sinceWindows.elapsedMs < retentionMs;
    const known = isRecent ? this.#series?.to : undefined;
    const since = known ?? `${retentionMs}ms`;
    let fresh = known === undefined;
    const onActivity = (): void => {
      this.#activeAt = performance.now();
    };
    onActivity();
    this.#connected = true;
    try {
      for await (const columns of this.#client.live('ms10', since, onActivity, signal)) {
        signal.throwIfAborted();
        // The server's clock stepped back, so the known windows are in the future.
        const { finalThrough } = columns;
        if (!fresh && finalThrough > 0 && finalThrough < (this.#series?.to ?? 0)) this.restart();
        signal.throwIfAborted();
        if (this.#take(columns, fresh)) fresh = false;
        this.#change('open', '');
      }
    } finally {
      this.#connected = false;
    }
  }

  /** Returns false for an event without content: the cluster has not heard any node yet. */
  #take(columns: LiveEvent, fresh: boolean): boolean {
    if (columns.finalThrough === 0) return false;
    this.#sinceWindows.restart();
    this.#messagesInAll = columns.messagesInAll;
    if (this.#series === undefined || fresh) {
      const from = Math.min(columns.from, columns.finalThrough - retentionMs + ageSlackMs);
      this.#series = new Series(periods.ms10, { ...columns, from: from - (from % 10) });
    } else {
      this.#series.append(columns);
    }
    this.#series.dropBefore(this.#series.to - retentionMs);
    this.#events.moved();
    return true;
  }

  #checkSilence(): void {
    const isPrompt = this.#state === 'open' && this.#client.selector.scope === 'node';
    const most = isPrompt ? silenceMs : longSilenceMs;
    if (this.#connected && performance.now() - this.#activeAt > most)
      this.#connection.abort(new Silence(`no data for ${most / 1_000} s`));
  }

  #visibilityChanged(): void {
    if (!document.hidden) {
      this.#wake?.();
      return;
    }
    this.#connection.abort(new Restart());
    if (this.#state === 'open') this.#change('connecting', '');
  }

  #change(state: FeedState, reason: string): void {
    // A second token may be wrong too, so the page must ask again.
    if (state === this.#state && reason === this.#reason && state !== 'unauthorized') return;
    this.#state = state;
    this.#reason = reason;
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
