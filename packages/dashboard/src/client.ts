/**
 * Asks the server that the page came from. The token, where there is one, goes into a header and
 * never into an address; that is also why /v1/live is read with fetch and not with EventSource.
 */
import type { Bursts, ClusterState, Info, LiveEvent, Stats } from '@reto3/client/answers';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { PeriodName } from './period.ts';
import type { Range } from './view.ts';
import { type Whose, whoseText } from './whose.ts';

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

  async cluster(): Promise<ClusterState> {
    return (await this.#get('v1/cluster')).json();
  }

  /** How bursty a range was (whole windows, all final). */
  async bursts({ from, to }: Range, signal: AbortSignal): Promise<Bursts> {
    const path = `v1/bursts?from=${from}&to=${to}&${whoseText(this.whose)}`;
    return (await this.#get(path, signal)).json();
  }

  /** The final windows that start in the range. */
  async stats(period: PeriodName, range: Range): Promise<Stats> {
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
  ): AsyncGenerator<LiveEvent> {
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
