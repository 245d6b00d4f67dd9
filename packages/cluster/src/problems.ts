/**
 * What keeps a server from its part in the cluster: told once when it begins and once when it is
 * over, however often it is tried meanwhile.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Log } from '@reto3/core';

/** What can fail, each by itself, and how the log says that it is over. */
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

const shown = [
  'access',
  'connection',
  'name',
  'register',
  'publisher',
  'reports',
  'merger',
] as const;

/** What only somebody can mend, beside which the rest says nothing. */
const needsHelp: readonly Part[] = ['access', 'name'];

export class Problems {
  readonly #log: Log;
  readonly #texts = new Map<Part, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** What stands in the way, if anything does. */
  get current(): string | undefined {
    for (const part of shown) if (this.#texts.has(part)) return this.#texts.get(part);
    return undefined;
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

/** Pauses between attempts: the first short, each next one twice as long, up to a bound. */
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

  /** It succeeded, or there is a reason to think that it will. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}

/** Waits, and no longer than until it is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => undefined);
}
