/**
 * Failed authentication: delays further attempts by network, and logs failures at most once a
 * minute.
 *
 * After several failures, every token from that network is delayed before it is checked, right or
 * wrong: if only wrong ones were delayed, a guesser would notice at once. A network has at most 140
 * requests in progress (connections.ts), so it gets 140 guesses a second.
 */
import type { Log } from '@reto3/core';

/** Enough for typing errors, and for a script whose token has expired. */
const freeAttempts = 5;
const delayMs = 1_000;
/** How long a failure counts, and how much time one log line covers. */
const forgetAfterMs = 60_000;
/** The oldest entry is dropped beyond this. */
const maxNetworks = 1_000;

export class AuthFailures {
  readonly #log: Log;
  readonly #recent = new Map<string, { count: number; lastMs: number }>();
  /** Failures since the last log line; undefined if the next one is logged at once. */
  #unlogged: { requests: number; readonly networks: Set<string> } | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Resolves when a token from that network may be checked. */
  async delay(network: string): Promise<void> {
    const recent = this.#recent.get(network);
    if (recent === undefined || performance.now() - recent.lastMs > forgetAfterMs) return;
    if (recent.count < freeAttempts) return;
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  }

  record(network: string): void {
    const nowMs = performance.now();
    const before = this.#recent.get(network);
    const continues = before !== undefined && nowMs - before.lastMs <= forgetAfterMs;
    this.#recent.delete(network);
    this.#recent.set(network, { count: continues ? before.count + 1 : 1, lastMs: nowMs });
    const [oldest] = this.#recent.keys();
    if (this.#recent.size > maxNetworks && oldest !== undefined) this.#recent.delete(oldest);
    this.#report(network);
  }

  #report(network: string): void {
    if (this.#unlogged !== undefined) {
      this.#unlogged.requests++;
      if (this.#unlogged.networks.size < maxNetworks) this.#unlogged.networks.add(network);
      return;
    }
    this.#log.warn({ network }, 'a request to the query API had a wrong token');
    this.#unlogged = { requests: 0, networks: new Set() };
    setTimeout(() => {
      const { requests = 0, networks = new Set() } = this.#unlogged ?? {};
      this.#unlogged = undefined;
      if (requests === 0) return;
      const many = networks.size < maxNetworks ? '' : ' or more';
      this.#log.warn(
        { requests, networks: [...networks].slice(0, 10) },
        `${requests} more requests to the query API had a wrong token, from ${networks.size} networks${many}`,
      );
    }, forgetAfterMs).unref();
  }
}
