/** What a server says of itself, as far as `reto3 top` shows it. */

import { type ApiOptions, answerCut, request, textOf } from '@reto3/client';
import type { NodeState } from '@reto3/cluster';
import type { Scope } from '@reto3/core';

/** The part of /v1/info that is shown. */
export interface Info {
  readonly version: string;
  readonly node: string;
  readonly boot: number;
  readonly uptimeMs: number;
  readonly messagesSinceStart: number;
  readonly messagesByWorker: readonly number[];
  /** Absent where the server is older. */
  readonly connectionsWithoutMessage?: number;
  readonly messagesInAll: number;
  readonly freshnessMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

export interface ServerState {
  readonly url: string;
  /** Whose messages are drawn. */
  readonly scope: Scope;
  /** Since when it does not answer (epoch ms), and why not; undefined while it does. */
  readonly away: { readonly since: number; readonly reason: string } | undefined;
  readonly info: Info | undefined;
  /** Messages a second of each worker. */
  readonly workers: readonly number[];
  /** Empty where the server adds up no cluster. */
  readonly nodes: readonly NodeState[];
}

export async function askInfo(api: ApiOptions): Promise<Info> {
  const response = await request(api, '/v1/info', {});
  try {
    return JSON.parse(await textOf(response, api));
  } catch (error) {
    if (error instanceof SyntaxError) throw answerCut(api, error);
    throw error;
  }
}

/** Rates are taken over so many answers, a second apart: less would jump, more would lag. */
const rateOver = 5;

/** The rates of the workers, from what the last few answers say. */
export class WorkerRates {
  #answers: { readonly atMs: number; readonly info: Info }[] = [];

  /** @param atMs when the answer came, monotonic */
  take(atMs: number, info: Info): void {
    // A server that has restarted counts from 0 again.
    if (this.#answers.at(-1)?.info.boot !== info.boot) this.#answers = [];
    this.#answers = [...this.#answers, { atMs, info }].slice(-1 - rateOver);
  }

  /** Messages a second of each worker; zeros until there are two answers. */
  rates(): number[] {
    const first = this.#answers[0];
    const last = this.#answers.at(-1);
    if (first === undefined || last === undefined) return [];
    const seconds = (last.atMs - first.atMs) / 1_000;
    return last.info.messagesByWorker.map((messages, worker) => {
      const before = first.info.messagesByWorker[worker] ?? 0;
      return seconds > 0 ? (messages - before) / seconds : 0;
    });
  }
}
