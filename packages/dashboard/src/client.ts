/**
 * Asks the server that the page came from. The token, where there is one, goes into a header and
 * never into an address; that is also why /v1/live is read with fetch and not with EventSource.
 */
import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { PeriodName } from './period.ts';
import type { Columns } from './series.ts';
import type { Range } from './view.ts';

/** The part of /v1/info that the page shows. */
export interface Info {
  readonly version: string;
  readonly node: string;
  readonly startedAt: number;
  readonly finalThrough: number;
  readonly messagesSinceStart: number;
  readonly messagesInAll: number;
  readonly bytesOnDisk: number;
}

/** What the server answered instead of 200. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Twenty pictures a second: a minute then moves by one pixel each time. */
const eventMs = 50;

const tokenKey = 'reto3-token';

export class Client {
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
    return (await this.#get('/v1/info')).json();
  }

  /** The final windows that start in the range. */
  async stats(period: PeriodName, range: Range): Promise<Columns> {
    return (await this.#get(statsPath(period, range, 'json'))).json();
  }

  async csv(period: PeriodName, range: Range): Promise<Blob> {
    return (await this.#get(statsPath(period, range, 'csv'))).blob();
  }

  /**
   * Windows as they become final, until the server ends the answer or the signal aborts.
   * @param since an age such as 5m, or the end of what is known already (epoch ms)
   */
  async *live(
    period: PeriodName,
    since: string | number,
    signal: AbortSignal,
  ): AsyncGenerator<Columns> {
    const { body } = await this.#get(
      `/v1/live?period=${period}&from=${since}&every=${eventMs}`,
      signal,
    );
    if (body === null) return;
    const events = body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    for await (const { data } of events) yield JSON.parse(data);
  }

  async #get(path: string, signal?: AbortSignal): Promise<Response> {
    const headers = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    const response = await fetch(path, { headers, cache: 'no-store', ...(signal && { signal }) });
    if (response.ok) return response;
    throw new Refusal(response.status, await refusalText(response));
  }
}

function statsPath(period: PeriodName, { from, to }: Range, format: string): string {
  return `/v1/stats/${period}?from=${from}&to=${to}&format=${format}`;
}

/** The server's own words, or the status where something between us answered. */
async function refusalText(response: Response): Promise<string> {
  const answer: unknown = await response.json().catch(() => undefined);
  const named = typeof answer === 'object' && answer !== null && 'message' in answer;
  return named ? String(answer.message) : `got status ${response.status}`;
}
