/**
 * Sends requests to the server that sent the page. The token goes into a header and never into a
 * URL, which is why /v1/live is read with fetch instead of EventSource.
 */
import type {
  Bursts,
  ClusterState,
  Info,
  LiveEvent,
  Report,
  ReportList,
  Stats,
} from '@reto3/client/answers';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { PeriodName } from './period.ts';
import { type ScopeSelector, selectorQuery } from './scope.ts';
import { keptInTab } from './storage.ts';
import type { Range } from './view.ts';

/** An answer whose status is not 2xx. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * At ten events a second, a view of a minute moves by one or two pixels each. More would only cost
 * the server more.
 */
const eventMs = 100;

export class Client {
  /** The counts to ask for. */
  selector: ScopeSelector = { scope: 'node' };
  /** Whether to ask for windows that are not final, too. */
  open = false;
  /**
   * Specific to this path: other paths of the same proxy lead to other servers, which must not get
   * the token.
   */
  readonly #tokenKey = `reto3-token ${location.pathname}`;
  #token = keptInTab.get(this.#tokenKey);

  get token(): string | undefined {
    return this.#token;
  }

  /** Stored until the tab is closed; undefined deletes it. */
  set token(token: string | undefined) {
    this.#token = token;
    keptInTab.set(this.#tokenKey, token);
  }

  async info(): Promise<Info> {
    return (await this.#get('v1/info')).json();
  }

  async cluster(): Promise<ClusterState> {
    return (await this.#get('v1/cluster')).json();
  }

  /**
   * @param range of whole final windows
   * @param who a key, to find out who was behind each burst
   */
  async bursts({ from, to }: Range, signal: AbortSignal, who?: string): Promise<Bursts> {
    const named = who === undefined ? '' : `&who=${who}`;
    const path = `v1/bursts?from=${from}&to=${to}${this.#openQuery}&${selectorQuery(this.selector)}${named}`;
    return (await this.#get(path, signal)).json();
  }

  async reports(): Promise<ReportList> {
    return (await this.#get(`v1/reports?scope=${this.selector.scope}`)).json();
  }

  /** The rows of a report, in windows of the given length. */
  async report(
    name: string,
    { from, to }: Range,
    everyMs: number,
    signal: AbortSignal,
  ): Promise<Report> {
    const windows = everyMs === 10 ? 'period=ms10' : `every=${everyMs / 1_000}s`;
    const range = `from=${from}&to=${to}&${windows}&open=true`;
    const path = `v1/reports/${encodeURIComponent(name)}?${range}&${selectorQuery(this.selector)}`;
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
   * Yields windows as they become final, until the server ends the answer or the signal aborts.
   * @param since an age such as 5m, or the end of the newest known window (epoch ms)
   * @param onActivity called whenever bytes arrive; over a slow link, an event takes many seconds
   */
  async *live(
    period: PeriodName,
    since: string | number,
    onActivity: () => void,
    signal: AbortSignal,
  ): AsyncGenerator<LiveEvent> {
    const { body } = await this.#get(
      `v1/live?period=${period}&from=${since}&every=${eventMs}&${selectorQuery(this.selector)}`,
      signal,
    );
    if (body === null) return;
    const events = body
      .pipeThrough(calling(onActivity))
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream())
      .getReader();
    // Safari cannot iterate over a stream.
    for (let next = await events.read(); !next.done; next = await events.read())
      yield JSON.parse(next.value.data);
  }

  get #openQuery(): string {
    return this.open ? '&open=true' : '';
  }

  #statsPath(period: PeriodName, { from, to }: Range, format: string): string {
    return `v1/stats/${period}?from=${from}&to=${to}${this.#openQuery}&format=${format}&${selectorQuery(this.selector)}`;
  }

  async #get(path: string, signal?: AbortSignal): Promise<Response> {
    if (this.#token !== undefined && !/^[ -~]*$/.test(this.#token))
      throw new ApiError(401, 'a token consists of printable ASCII characters');
    const headers = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    const response = await fetch(path, { headers, cache: 'no-store', ...(signal && { signal }) });
    if (response.ok) return response;
    throw new ApiError(response.status, await errorText(response));
  }
}

/** Passes on bytes, and calls `onBytes` whenever some arrive. */
function calling(
  onBytes: () => void,
): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  return new TransformStream({
    transform: (bytes, target) => {
      onBytes();
      target.enqueue(bytes);
    },
  });
}

/** The message of the server, or the status if the answer came from a proxy. */
async function errorText(response: Response): Promise<string> {
  const answer: unknown = await response.json().catch(() => undefined);
  const named = typeof answer === 'object' && answer !== null && 'message' in answer;
  return named ? String(answer.message) : `got status ${response.status}`;
}
