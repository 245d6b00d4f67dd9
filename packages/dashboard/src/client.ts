/**
 * Asks the server that the page came from. The token, where there is one, goes into a header and
 * never into an address; that is also why /v1/live is read with fetch and not with EventSource.
 */
import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { PeriodName } from './period.ts';
import type { Columns } from './series.ts';
import type { Range } from './view.ts';
import { type Scope, type Whose, whoseText } from './whose.ts';

/** The part of /v1/info that the page shows. */
export interface Info {
  readonly version: string;
  readonly node: string;
  /** In a cluster. */
  readonly role?: 'ingest' | 'merge' | 'both';
  /** Whose counts the server has. */
  readonly scopes: readonly Scope[];
  readonly startedAt: number;
  readonly finalThrough: number;
  readonly messagesSinceStart: number;
  /** Where it takes requests; absent where it only adds up a cluster. */
  readonly ingestUrl?: string;
  /** Start of the oldest counts, to the minute; absent where there are none. */
  readonly countedFrom?: number;
}

/** The part of an event of /v1/live that the page shows. */
export interface LiveColumns extends Columns {
  /** Everything counted before `to`; absent of a cluster, and of the past. */
  readonly messagesInAll?: number;
}

/** The part of /v1/bursts that the page shows. */
export interface Bursts extends Range {
  readonly messages: number;
  /** 10 ms windows that nobody counted. */
  readonly uncounted: number;
  /** Of the counts of the 10 ms windows. */
  readonly quantiles: Readonly<Record<'p50' | 'p75' | 'p90' | 'p95' | 'p99' | 'p999', number>>;
  readonly scales: readonly Scale[];
  /** Messages in 10 ms; milliseconds. Without stallMs: too little traffic to tell a stall. */
  readonly thresholds: { readonly rise: number; readonly fall: number; readonly stallMs?: number };
  /** Totals are of all, the list has the hundred largest. */
  readonly bursts: {
    readonly count: number;
    /** Of all messages, 0 to 1. */
    readonly share: number;
    readonly list: readonly Burst[];
  };
  readonly stalls: { readonly count: number; readonly ms: number; readonly list: readonly Range[] };
}

interface Burst extends Range {
  readonly peak: number;
  readonly total: number;
  readonly share: number;
}

interface Scale {
  readonly windowMs: number;
  readonly windows: number;
  readonly mean: number;
  readonly dispersion: number;
  readonly peak: { readonly start: number; readonly count: number };
  readonly peakToMean: number;
}

/** The part of /v1/cluster that the page shows. */
export interface Cluster {
  /** What keeps the server from adding up. */
  readonly problem?: string;
  readonly nodes?: readonly ClusterNode[];
}

export interface ClusterNode {
  readonly name: string;
  readonly state: 'live' | 'silent' | 'left';
  readonly rate: number;
  /** Of the messages of all nodes, 0 to 1. */
  readonly share: number;
  readonly lagMs: number;
  readonly clockOffsetMs: number;
}

/** What the server answered instead of 200. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Ten pictures a second: a minute then moves by one or two pixels each time. More cost the server more. */
const eventMs = 100;

/** Of this address: under other paths of the same proxy are other servers, who must not see it. */
const tokenKey = `reto3-token ${location.pathname}`;

export class Client {
  /** Whose counts are asked for. */
  whose: Whose = { scope: 'node' };
  #token = sessionStorage.getItem(tokenKey) ?? undefined;

  get token(): string | undefined {
    return this.#token;
  }

  /** Kept for as long as this tab is open; undefined forgets it. */
  set token(token: string | undefined) {
    this.#token = token;
    if (token === undefined) sessionStorage.removeItem(tokenKey);
    else sessionStorage.setItem(tokenKey, token);
  }

  async info(): Promise<Info> {
    return (await this.#get('v1/info')).json();
  }

  async cluster(): Promise<Cluster> {
    return (await this.#get('v1/cluster')).json();
  }

  /** How bursty a range was (whole windows, all final). */
  async bursts({ from, to }: Range, signal: AbortSignal): Promise<Bursts> {
    const path = `v1/bursts?from=${from}&to=${to}&${whoseText(this.whose)}`;
    return (await this.#get(path, signal)).json();
  }

  /** The final windows that start in the range. */
  async stats(period: PeriodName, range: Range): Promise<Columns> {
    return (await this.#get(this.#statsPath(period, range, 'json'))).json();
  }

  async csv(period: PeriodName, range: Range): Promise<Blob> {
    return (await this.#get(this.#statsPath(period, range, 'csv'))).blob();
  }

  /**
   * Windows as they become final, until the server ends the answer or the signal aborts.
   * @param heard called whenever something came, also where it was only a sign of life
   * @param since an age such as 5m, or the end of what is known already (epoch ms)
   */
  async *live(
    period: PeriodName,
    since: string | number,
    heard: () => void,
    signal: AbortSignal,
  ): AsyncGenerator<LiveColumns> {
    const { body } = await this.#get(
      `v1/live?period=${period}&from=${since}&every=${eventMs}&${whoseText(this.whose)}`,
      signal,
    );
    if (body === null) return;
    const events = body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream({ onComment: heard }))
      .getReader();
    // Safari cannot iterate over a stream.
    for (let next = await events.read(); !next.done; next = await events.read()) {
      heard();
      yield JSON.parse(next.value.data);
    }
  }

  #statsPath(period: PeriodName, { from, to }: Range, format: string): string {
    return `v1/stats/${period}?from=${from}&to=${to}&format=${format}&${whoseText(this.whose)}`;
  }

  async #get(path: string, signal?: AbortSignal): Promise<Response> {
    const headers = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    const response = await fetch(path, { headers, cache: 'no-store', ...(signal && { signal }) });
    if (response.ok) return response;
    throw new Refusal(response.status, await refusalText(response));
  }
}

/** The server's own words, or the status where something between us answered. */
async function refusalText(response: Response): Promise<string> {
  const answer: unknown = await response.json().catch(() => undefined);
  const named = typeof answer === 'object' && answer !== null && 'message' in answer;
  return named ? String(answer.message) : `got status ${response.status}`;
}
