/**
 * Windows as they become final, for any number of listeners: one sweep and one message for all of
 * them.
 *
 * A listener that falls behind is dropped, never buffered for: it comes back with the end of what
 * it has and reads the rest from the store. Ticks only while somebody listens.
 */
import { alignDown, type Period, type PeriodName, periodNames, periods } from '../period.ts';
import type { Damage } from '../store/damage.ts';
import { reachMs } from '../window/layout.ts';
import type { Windows } from '../window/windows.ts';
import { type Chunk, cut } from './chunks.ts';

/** Windows that have become final, all that start in [from, to), epoch ms. */
export interface LiveEvent {
  readonly period: Period;
  readonly from: number;
  readonly to: number;
  readonly finalThrough: number;
  readonly chunks: readonly Chunk[];
  /** Parts of the range whose counts are not to be had. */
  readonly damaged: readonly Damage[];
}

export interface Listener {
  /** Called with one event after the other, without a hole between them. */
  send(event: LiveEvent): void;
  /** The feed cannot go on without a hole; the listener is to start again from what it has. */
  drop(): void;
}

/** Where the windows come from: the coordinator, or the merger of a cluster. */
export interface LiveSource {
  /** Takes in what is new, and returns `finalThrough`, epoch ms. */
  sweep(): number;
  /** Since when all that is newer is in memory, as far as the ring reaches; epoch ms. */
  state(): { readonly startedAt: number };
  minutesInMemory(): Iterable<LiveMinute>;
}

type LiveMinute = { readonly start: number; readonly end: number } & {
  readonly [name in PeriodName]: Windows;
};

/** Often enough that a ms10 window is seen within one window's length of becoming final. */
const tickMs = 10;

export class LiveFeed {
  readonly #source: LiveSource;
  readonly #listeners: Readonly<Record<PeriodName, Set<Listener>>> = {
    ms10: new Set(),
    sec: new Set(),
    min: new Set(),
  };
  /** Up to where each period was sent, epoch ms. */
  readonly #sentThrough: Record<PeriodName, number> = { ms10: 0, sec: 0, min: 0 };
  #timer: NodeJS.Timeout | undefined;

  constructor(source: LiveSource) {
    this.#source = source;
  }

  /**
   * Joins. With `from` (epoch ms), what has become final since then is sent first.
   * @returns false where memory does not reach back to `from`: read the store up to now, and join
   * again
   */
  join(period: Period, listener: Listener, from?: number): boolean {
    const listeners = this.#listeners[period.name];
    const finalThrough = this.#source.sweep();
    if (listeners.size === 0)
      this.#sentThrough[period.name] = alignDown(finalThrough, period.windowMs);
    const sentThrough = this.#sentThrough[period.name];
    const first = Math.min(from ?? sentThrough, sentThrough);
    const remembered = Math.max(sentThrough - reachMs, this.#source.state().startedAt);
    if (first < sentThrough && first < remembered) return false;
    const chunks = this.#chunks(period, first, sentThrough);
    // Also where it is empty: it says from when on nothing will be missing.
    listener.send({ period, from: first, to: sentThrough, finalThrough, chunks, damaged: [] });
    listeners.add(listener);
    this.#timer ??= setInterval(() => this.#tick(), tickMs);
    return true;
  }

  leave(period: Period, listener: Listener): void {
    this.#listeners[period.name].delete(listener);
    if (periodNames.every((name) => this.#listeners[name].size === 0)) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  /** Drops everybody. */
  close(): void {
    for (const name of periodNames) this.#dropAll(periods[name]);
  }

  #tick(): void {
    const finalThrough = this.#source.sweep();
    for (const name of periodNames) {
      const period = periods[name];
      const listeners = this.#listeners[name];
      if (listeners.size === 0) continue;
      const from = this.#sentThrough[name];
      const to = alignDown(finalThrough, period.windowMs);
      // Memory holds what the ring reaches back to. After a longer halt, and after the clock
      // stepped back, what comes next does not join on to what was sent.
      if (to < from || to - from > Math.max(reachMs, period.windowMs)) this.#dropAll(period);
      if (to <= from) continue;
      this.#sentThrough[name] = to;
      const chunks = this.#chunks(period, from, to);
      const event = { period, from, to, finalThrough, chunks, damaged: [] };
      for (const listener of [...listeners]) listener.send(event);
    }
  }

  #chunks(period: Period, from: number, to: number): Chunk[] {
    return [...this.#source.minutesInMemory()]
      .filter((minute) => minute.end > from && minute.start < to)
      .sort((a, b) => a.start - b.start)
      .map((minute) => cut(minute.start, minute[period.name], period, from, to));
  }

  #dropAll(period: Period): void {
    for (const listener of [...this.#listeners[period.name]]) {
      this.leave(period, listener);
      listener.drop();
    }
  }
}
