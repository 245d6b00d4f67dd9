/**
 * Wrong tokens: said in the log, at most once a minute, and slowed down by network.
 *
 * A network that has sent several lately waits before any token of it is looked at, right or wrong:
 * slowing down only refusals would tell a guesser at once that no refusal comes. With at most 140
 * requests of a network under way (connections.ts) it has 140 guesses a second.
 */
import type { Log } from '@reto3/core';

/** Somebody who mistypes, or a script with an old token that is about to be mended. */
const mostAtFullSpeed = 5;
const delayMs = 1_000;
/** Wrong tokens are forgotten so long after the last one; and one line of the log covers as much. */
const rememberMs = 60_000;
/** Of so many networks; those that were heard of first are forgotten first. The log counts no more. */
const mostNetworks = 1_000;

export class WrongTokens {
  readonly #log: Log;
  readonly #recent = new Map<string, { count: number; lastMs: number }>();
  /** Since the last line of the log; undefined where the next one is logged at once. */
  #unsaid: { requests: number; readonly networks: Set<string> } | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Resolves when a token of that network may be looked at. */
  async delay(network: string): Promise<void> {
    const recent = this.#recent.get(network);
    if (recent === undefined || performance.now() - recent.lastMs > rememberMs) return;
    if (recent.count < mostAtFullSpeed) return;
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  }

  note(network: string): void {
    const nowMs = performance.now();
    const before = this.#recent.get(network);
    const goesOn = before !== undefined && nowMs - before.lastMs <= rememberMs;
    this.#recent.delete(network);
    this.#recent.set(network, { count: goesOn ? before.count + 1 : 1, lastMs: nowMs });
    const [oldest] = this.#recent.keys();
    if (this.#recent.size > mostNetworks && oldest !== undefined) this.#recent.delete(oldest);
    this.#say(network);
  }

  #say(network: string): void {
    if (this.#unsaid !== undefined) {
      this.#unsaid.requests++;
      if (this.#unsaid.networks.size < mostNetworks) this.#unsaid.networks.add(network);
      return;
    }
    this.#log.warn({ network }, 'a request of the query API had a wrong token');
    this.#unsaid = { requests: 0, networks: new Set() };
    setTimeout(() => {
      const { requests = 0, networks = new Set() } = this.#unsaid ?? {};
      this.#unsaid = undefined;
      if (requests === 0) return;
      const many = networks.size < mostNetworks ? '' : ' or more';
      this.#log.warn(
        { requests, networks: [...networks].slice(0, 10) },
        `${requests} more requests of the query API had a wrong token, from ${networks.size} networks${many}`,
      );
    }, rememberMs).unref();
  }
}
