/** Asks the query API, as a script with an HTTP client would. */

/** The columns of /v1/stats. */
export interface Columns {
  readonly period: string;
  readonly windowMs: number;
  readonly scope: string;
  readonly from: number;
  readonly to: number;
  readonly finalThrough: number;
  readonly starts: readonly number[];
  readonly counts: readonly number[];
  /** Starts of the windows that changed after they were final. */
  readonly revised: readonly number[];
  /** Starts of the windows of which only a part was counted. */
  readonly partial: readonly number[];
  readonly damaged: readonly { readonly from: number; readonly to: number }[];
}

/** The part of /v1/info that tests reckon with. */
export interface Info {
  readonly startedAt: number;
  readonly finalThrough: number;
  readonly messagesSinceStart: number;
  readonly messagesByWorker: readonly number[];
  readonly messagesInAll: number;
  readonly flushes: number;
  readonly clockSteps: number;
  readonly freshnessMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly node: string;
  readonly nodejs: string;
  readonly uWebSockets: string;
}

/** What it answers to a GET. @throws Error where that is not 200 */
export async function ask<T>(adminUrl: string, path: string): Promise<T> {
  const response = await fetch(adminUrl + path);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`got ${response.status} from ${path}: ${text}`);
  // The caller says what the route promises; the tests of the routes check it.
  return JSON.parse(text);
}

export function askInfo(adminUrl: string): Promise<Info> {
  return ask(adminUrl, '/v1/info');
}

/** Windows of a period; the query as in `from=1&open=true`. */
export function askStats(adminUrl: string, period: string, query = ''): Promise<Columns> {
  return ask(adminUrl, `/v1/stats/${period}?${query}`);
}
