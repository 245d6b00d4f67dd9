/**
 * The problems that keep a server from its part in the cluster. The log has each once when it begins
 * and once when it is over, however often the server retries.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Log } from '@reto3/core';

/** What can fail, most important first, and how the log says that it is over. */
const over = {
  access: 'NATS lets this server in again',
  connection: 'connected to NATS again',
  name: 'this server has its name again',
  register: 'NATS can be used again',
  publisher: 'the counts reach the cluster again',
  reports: 'the reports reach the cluster again',
  merger: 'the stream can be read again',
} as const;
export type Part = keyof typeof over;

/** Problems that an operator has to solve. */
const needsHelp: readonly Part[] = ['access', 'name'];

export class Problems {
  readonly #log: Log;
  readonly #texts = new Map<string, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** The most important problem, if there is any. */
  get current(): string | undefined {
    const inOrder = Object.keys(over).map((part) => this.#texts.get(part));
    return inOrder.find((text) => text !== undefined);
  }

  begin(part: Part, text: string): void {
    const before = this.#texts.get(part);
    const hidden = !needsHelp.includes(part) && this.#texts.has('access');
    this.#texts.set(part, text);
    if (needsHelp.includes(part)) {
      if (before !== text) this.#log.error(text);
    } else if (before === undefined && !hidden) this.#log.warn(`${text}; will try again`);
  }

  end(part: Part): void {
    if (this.#texts.delete(part) && !this.#texts.has('access')) this.#log.info(over[part]);
  }
}

/** Pauses between attempts, each twice as long as the last, up to a limit. */
export class Backoff {
  readonly #firstMs: number;
  readonly #mostMs: number;
  #nextMs: number;

  constructor(firstMs: number, mostMs: number) {
    this.#firstMs = this.#nextMs = firstMs;
    this.#mostMs = mostMs;
  }

  /** How long to pause now, in ms. */
  next(): number {
    const pauseMs = this.#nextMs;
    this.#nextMs = Math.min(this.#mostMs, 2 * pauseMs);
    return pauseMs;
  }

  /** An attempt succeeded, or the next one probably will. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}

/** Waits, at most until it is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => undefined);
}
