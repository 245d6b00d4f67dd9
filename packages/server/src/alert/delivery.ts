/**
 * Delivers messages to a webhook, one after the other, in the order in which they came.
 *
 * Bounded in every direction: so many wait (the oldest give way), each is tried so often, an
 * attempt takes so long. Nobody waits for it, and nothing of it is on the way of counting.
 */
import { setTimeout } from 'node:timers/promises';
import { messageOf } from '@reto3/core';

export interface Receiver {
  readonly url: string;
  /** Sent as bearer token. */
  readonly token: string | undefined;
}

export interface DeliveryTimes {
  /** An attempt that takes longer has failed. */
  readonly attemptMs: number;
  /** Before the second attempt; twice as long before each later one. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** How long a stop waits for what is still to be delivered. */
  readonly graceMs: number;
}

/** All attempts last four to six minutes: a receiver's restart, and no backlog of hours. */
export const deliveryTimes: DeliveryTimes = {
  attemptMs: 10_000,
  firstPauseMs: 1_000,
  longestPauseMs: 60_000,
  graceMs: 1_000,
};
export const mostAttempts = 10;
/** More than anybody reads at once; some 50 KB. */
export const mostWaiting = 100;

export interface DeliveryEvents {
  /** An attempt failed; there will be another, unless it was the last. */
  failed(reason: string, attempt: number, last: boolean): void;
  /** So many wait that the oldest was given up. */
  dropped(): void;
}

export interface DeliveryTotals {
  readonly delivered: number;
  /** Given up, after the last attempt or for want of room. */
  readonly lost: number;
  readonly waiting: number;
}

export class Delivery {
  readonly #receiver: Receiver;
  readonly #times: DeliveryTimes;
  readonly #events: DeliveryEvents;
  readonly #waiting: object[] = [];
  readonly #stop = new AbortController();
  #delivered = 0;
  #lost = 0;
  #running: Promise<void> | undefined;

  constructor(receiver: Receiver, events: DeliveryEvents, times = deliveryTimes) {
    this.#receiver = receiver;
    this.#events = events;
    this.#times = times;
  }

  get totals(): DeliveryTotals {
    return { delivered: this.#delivered, lost: this.#lost, waiting: this.#waiting.length };
  }

  /** Delivers it after those that came before; returns at once. */
  send(message: object): void {
    if (this.#stop.signal.aborted) return;
    // The first is on its way; what waits behind it may give way to what is newer.
    if (this.#waiting.length >= mostWaiting) {
      this.#waiting.splice(1, 1);
      this.#lost++;
      this.#events.dropped();
    }
    this.#waiting.push(message);
    this.#running ??= this.#run();
  }

  /** Gives what waits a moment, and ends. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running !== undefined) {
      const late = setTimeout(this.#times.graceMs, undefined, { ref: false });
      await Promise.race([running, late]);
    }
    this.#stop.abort();
    await running;
  }

  async #run(): Promise<void> {
    for (;;) {
      const [message] = this.#waiting;
      if (message === undefined || this.#stop.signal.aborted) {
        // In the same breath as the look at what waits: whoever sends next starts anew.
        this.#running = undefined;
        return;
      }
      if (await this.#deliver(message)) this.#delivered++;
      else this.#lost++;
      this.#waiting.shift();
    }
  }

  async #deliver(message: object): Promise<boolean> {
    const { firstPauseMs, longestPauseMs } = this.#times;
    for (let attempt = 1; ; attempt++) {
      const failure = await this.#attempt({ ...message, attempt });
      if (failure === undefined) return true;
      if (this.#stop.signal.aborted) return false;
      const last = attempt === mostAttempts;
      this.#events.failed(failure, attempt, last);
      if (last) return false;
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1));
      await setTimeout(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      if (this.#stop.signal.aborted) return false;
    }
  }

  /** @returns why it failed, in words that do not have the URL's path or the token */
  async #attempt(body: object): Promise<string | undefined> {
    const { url, token } = this.#receiver;
    const timeout = AbortSignal.timeout(this.#times.attemptMs);
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify(body),
        // Somebody else's address must not get the token.
        redirect: 'manual',
        signal: AbortSignal.any([timeout, this.#stop.signal]),
      });
      // Its body says nothing to us, and may never end.
      await response.body?.cancel();
      return response.ok ? undefined : `got status ${response.status}`;
    } catch (error) {
      if (timeout.aborted) return `got no answer within ${this.#times.attemptMs} ms`;
      return error instanceof Error ? messageOf(error.cause ?? error) : messageOf(error);
    }
  }
}
