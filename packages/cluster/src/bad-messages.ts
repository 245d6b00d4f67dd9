/**
 * What the stream holds that is no message of a node: counted, and told of once for each node and
 * hour, whatever somebody writes into the stream. Where the messages of a node were refused because
 * of a clock, says when the nodes are to be asked for them.
 */
import type { ClockReading } from '@reto3/core';
import { AheadOfClock, mostAheadMs } from './incoming.ts';
import type { BadMessage } from './message.ts';

const tellEveryMs = 3_600_000;
/** Of so many nodes in that time. */
const mostTold = 100;
/** Messages that are further ahead are not waited for, and so long the nodes are not asked again. */
const mostWaitMs = 86_400_000;
const askEveryMs = 3_600_000;

export type Tell = (error: BadMessage, from: string, count: number) => void;

export class BadMessages {
  readonly #tell: Tell;
  #count = 0;
  /** When each was told of, monotonic ms. */
  readonly #toldAt = new Map<string, number>();
  /** Seconds from `since` on are missing until the clock shows `until`; epoch ms. */
  #ahead: { readonly since: number; readonly until: number } | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  get count(): number {
    return this.#count;
  }

  add(error: BadMessage, subject: string, now: ClockReading): void {
    this.#count++;
    if (error instanceof AheadOfClock) this.#wait(error, now);
    for (const [from, at] of this.#toldAt)
      if (now.monotonicMs - at >= tellEveryMs) this.#toldAt.delete(from);
    const from = printable(subject);
    if (this.#toldAt.has(from) || this.#toldAt.size >= mostTold) return;
    this.#toldAt.set(from, now.monotonicMs);
    this.#tell(error, from, this.#count);
  }

  /** Since when the nodes are to be asked now for what was refused, epoch ms. Asking clears it. */
  takeDue(now: ClockReading): number | undefined {
    const ahead = this.#ahead;
    if (ahead === undefined || now.wallMs < ahead.until) return undefined;
    if (now.monotonicMs - this.#askedAt < askEveryMs) return undefined;
    this.#askedAt = now.monotonicMs;
    this.#ahead = undefined;
    return ahead.since;
  }

  #wait({ latest, since }: AheadOfClock, { wallMs }: ClockReading): void {
    if (latest > wallMs + mostWaitMs) return;
    this.#ahead = {
      since: Math.min(this.#ahead?.since ?? since, since),
      until: this.#ahead?.until ?? latest - mostAheadMs,
    };
  }
}

/** Names that are none come from anybody: only what a name may hold is shown. */
function printable(subject: string): string {
  return subject.slice(0, 200).replaceAll(/[^A-Za-z0-9_.-]/g, '?');
}
