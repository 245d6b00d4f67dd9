/**
 * What the stream holds that is no message of a node: counted, and told of once for each node and
 * hour, whatever somebody writes into the stream.
 */
import type { ClockReading } from '@reto3/core';
import type { BadMessage } from './message.ts';

const tellEveryMs = 3_600_000;
/** Of so many nodes in that time. */
const mostTold = 100;

export type Tell = (error: BadMessage, from: string, count: number) => void;

export class BadMessages {
  readonly #tell: Tell;
  #count = 0;
  /** When each was told of, monotonic ms. */
  readonly #toldAt = new Map<string, number>();

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  get count(): number {
    return this.#count;
  }

  add(error: BadMessage, subject: string, now: ClockReading): void {
    this.#count++;
    for (const [from, at] of this.#toldAt)
      if (now.monotonicMs - at >= tellEveryMs) this.#toldAt.delete(from);
    const from = printable(subject);
    if (this.#toldAt.has(from) || this.#toldAt.size >= mostTold) return;
    this.#toldAt.set(from, now.monotonicMs);
    this.#tell(error, from, this.#count);
  }
}

/** Names that are none come from anybody: only what a name may hold is shown. */
function printable(subject: string): string {
  return subject.slice(0, 200).replaceAll(/[^A-Za-z0-9_.-]/g, '?');
}
