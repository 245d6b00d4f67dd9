/** The state of a server that `reto3 top` shows. */

import type { ClusterNode, Info } from '@reto3/client/answers';
import type { Scope } from '@reto3/core';

/** The fields of /v1/info that are shown. */
export type ShownInfo = Pick<
  Info,
  | 'version'
  | 'node'
  | 'boot'
  | 'uptimeMs'
  | 'messagesSinceStart'
  | 'messagesByWorker'
  | 'messagesInAll'
  | 'freshnessMs'
> &
  // Older servers omit it.
  Partial<Pick<Info, 'connectionsWithoutMessage'>>;

export interface ServerState {
  readonly url: string;
  /** Whose messages to show. */
  readonly scope: Scope;
  /** Since when the server has not answered (epoch ms), and why; undefined if it answers. */
  readonly away: { readonly since: number; readonly reason: string } | undefined;
  readonly info: ShownInfo | undefined;
  /** Messages per second, by worker. */
  readonly workers: readonly number[];
  /** Empty if the server does not merge a cluster. */
  readonly nodes: readonly ClusterNode[];
}

/**
 * The number of answers, a second apart, that a rate spans: with fewer it would jump, with more it
 * would lag.
 */
const rateOver = 5;

/** The rates of the workers, over the last few answers. */
export class WorkerRates {
  #answers: { readonly atMs: number; readonly info: ShownInfo }[] = [];

  /** @param atMs when the answer arrived, monotonic */
  take(atMs: number, info: ShownInfo): void {
    // A restarted server counts from 0 again.
    if (this.#answers.at(-1)?.info.boot !== info.boot) this.#answers = [];
    this.#answers = [...this.#answers, { atMs, info }].slice(-1 - rateOver);
  }

  /** Messages per second of each worker; zeros until there are two answers. */
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
