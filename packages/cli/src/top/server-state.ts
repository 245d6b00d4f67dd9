/** The state of a server, as far as `reto3 top` shows it. */

import type { ClusterNode, Info } from '@reto3/client/answers';
import type { Scope } from '@reto3/core';

/** The part of /v1/info that is shown. */
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
  // Older servers leave it out.
  Partial<Pick<Info, 'connectionsWithoutMessage'>>;

export interface ServerState {
  readonly url: string;
  /** Whose messages to draw. */
  readonly scope: Scope;
  /** Since when it has not answered (epoch ms), and why; undefined if it answers. */
  readonly away: { readonly since: number; readonly reason: string } | undefined;
  readonly info: ShownInfo | undefined;
  /** Messages per second of each worker. */
  readonly workers: readonly number[];
  /** Empty if the server merges no cluster. */
  readonly nodes: readonly ClusterNode[];
}

/** Rates span this many answers, a second apart: fewer would jump, more would lag. */
const rateOver = 5;

/** The rates of the workers over the last few answers. */
export class WorkerRates {
  #answers: { readonly atMs: number; readonly info: ShownInfo }[] = [];

  /** @param atMs when the answer came, monotonic */
  take(atMs: number, info: ShownInfo): void {
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
