/**
 * Counts single messages by key, in any order of time, for `nameCulprits`: the exact way, from a
 * log or an archive. Memory grows with the number of different keys.
 */
import { Reto3Error } from '@reto3/core';
import { beforeMs, type KeyCounts, type KeyStretch, leastCount, leastShare } from './who.ts';

/** A field with more values names no culprit. */
const mostKeys = 1_000_000;
/** About 200 MB; lines, and so keys, may have a megabyte. */
const mostChars = 200_000_000;

export class KeyTally {
  readonly #range: KeyStretch;
  readonly #totals = new Map<string, number>();
  /** The length of all keys. */
  #chars = 0;
  #messages = 0;
  /** In order of time. */
  readonly #stretches: readonly {
    readonly from: number;
    readonly to: number;
    readonly inside: Map<string, number>;
    readonly before: Map<string, number>;
  }[];

  /** @param stretches in order of time, not overlapping */
  constructor(range: KeyStretch, stretches: readonly KeyStretch[]) {
    this.#range = range;
    this.#stretches = stretches.map(({ from, to }) => ({
      ...{ from, to, inside: new Map(), before: new Map() },
    }));
  }

  /** @throws Reto3Error RETO3_BAD_REQUEST if there are too many different keys */
  add(timeMs: number, key: string): void {
    if (timeMs < this.#range.from || timeMs >= this.#range.to) return;
    this.#messages++;
    if (!this.#totals.has(key)) this.#makeRoomFor(key);
    count(this.#totals, key);
    let at = this.#firstAfter(timeMs);
    const last = this.#stretches[at - 1];
    if (last !== undefined && timeMs < last.to) count(last.inside, key);
    for (; at < this.#stretches.length; at++) {
      const next = this.#stretches[at];
      if (next === undefined || next.from - beforeMs > timeMs) break;
      count(next.before, key);
    }
  }

  end(): KeyCounts {
    const frequent = [...this.#totals].map(([key, total]) => ({ key, total }));
    return {
      messages: this.#messages,
      keys: this.#totals.size,
      frequent: frequent.sort((a, b) => b.total - a.total),
      stretches: this.#stretches.map(({ inside, before }) => {
        const messages = [...inside.values()].reduce((sum, one) => sum + one, 0);
        const least = Math.max(leastCount, leastShare * messages);
        const keys = [...inside].filter(([, one]) => one >= least);
        return {
          messages,
          keys: keys.map(([key, one]) => ({
            ...{ key, count: one, total: this.#totals.get(key) ?? one },
            before: before.get(key) ?? 0,
          })),
        };
      }),
    };
  }

  #makeRoomFor(key: string): void {
    this.#chars += key.length;
    if (this.#totals.size < mostKeys && this.#chars <= mostChars) return;
    const most = `${mostKeys} different keys, or ${mostChars} characters of them`;
    throw new Reto3Error('RETO3_BAD_REQUEST', `got more than ${most}`, {
      hint: 'choose another key, or a shorter range',
    });
  }

  /** The index of the first stretch that starts after a time. */
  #firstAfter(timeMs: number): number {
    let low = 0;
    let high = this.#stretches.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#stretches[middle]?.from ?? 0) <= timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
