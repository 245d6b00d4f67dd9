/**
 * Delivers messages to a webhook, one at a time and in order.
 *
 * The queue, the attempts per message and the time per attempt are bounded; if the queue is full, the
 * oldest message is dropped. Nothing waits for a delivery.
 */
import { setTimeout } from 'node:timers/promises';
import { messageOf } from '@reto3/core';

export interface Receiver {
  url: string;
  /** Sent as a bearer token. */
  token: string | undefined;
}

export interface DeliveryTimes {
  /** The timeout of one attempt. */
  readonly attemptMs: number;
  /** The pause before the second attempt; it doubles before each later one. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** How long a stop waits for deliveries. */
  readonly graceMs: number;
}

/** All attempts take four to six minutes: enough for a receiver to restart, without a long backlog. */
export const deliveryTimes: DeliveryTimes = {
  attemptMs: 10_000,
  firstPauseMs: 1_000,
  longestPauseMs: 60_000,
  graceMs: 1_000,
};
export const maxAttempts = 10;
/** The length of the queue; about 50 KB. */
export const maxWaiting = 100;

export interface DeliveryEvents {
  /** Called when an attempt fails; another one follows unless it was the last. */
  failed(reason: string, attempt: number, last: boolean): void;
  /** Called when the queue was full and the oldest message was dropped. */
  dropped(): void;
}

export interface DeliveryTotals {
  readonly delivered: number;
  /** Messages dropped after the last attempt, or because the queue was full. */
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

  /** Queues a message; returns at once. */
  send(message: object): void {
    if (this.#stop.signal.aborted) return;
    // Keeps the first message, which is being delivered, and drops the oldest of the others.
    if (this.#waiting.length >= maxWaiting) {
      this.#waiting.splice(1, 1);
      this.#lost++;
      this.#events.dropped();
    }
    this.#waiting.push(message);
    this.#running ??= this.#run();
  }

  /** Waits briefly for the queue to empty, then stops. */
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
        // Set synchronously with the check, so that the next `send` starts a new run.
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
      const last = attempt === maxAttempts;
      this.#events.failed(failure, attempt, last);
      if (last) return false;
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1));
      await setTimeout(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      if (this.#stop.signal.aborted) return false;
    }
  }

  /**
   * @returns the reason if it failed, without the URL's path or the token; undefined if it
   * succeeded
   */
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
        // A redirect to another host must not get the token.
        redirect: 'manual',
        signal: AbortSignal.any([timeout, this.#stop.signal]),
      });
      // The body is irrelevant and may never end.
      await response.body?.cancel();
      return response.ok ? undefined : `got status ${response.status}`;
    } catch (error) {
      if (timeout.aborted) return `got no answer within ${this.#times.attemptMs} ms`;
      return error instanceof Error ? messageOf(error.cause ?? error) : messageOf(error);
    }
  }
}
