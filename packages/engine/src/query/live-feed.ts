/**
 * Windows as they become final, for any number of listeners: one sweep and one message for all of
 * them.
 *
 * A listener that falls behind is dropped, never buffered for: it comes back with the end of what
 * it has and reads the rest from the store. Ticks only while somebody listens, and only as often as
 * the fastest of them wants: a sweep of its own for every 10 ms would cost a processor 2 %.
 */
import {
  alignDown,
  alignUp,
  type Chunk,
  type Damage,
  ms10,
  type Period,
  type PeriodName,
  totalOf,
  type Windows,
} from '@reto3/core';
import { reachMs } from '../ring/layout.ts';
import { cut } from './chunks.ts';

/** Windows that have become final, all that start in [from, to), epoch ms. */
export interface LiveEvent {
  readonly period: Period;
  readonly from: number;
  readonly to: number;
  readonly finalThrough: number;
  readonly chunks: readonly Chunk[];
  /** Parts of the range whose counts are not to be had. */
  readonly damaged: readonly Damage[];
  /** All messages counted before `to`; absent where the source has no such total. */
  readonly messagesInAll?: number;
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
  /**
   * Since when all that is newer is in memory, as far as the ring reaches, epoch ms; and everything
   * counted so far, also in windows that are not final.
   */
  state(): { readonly startedAt: number; readonly messagesInAll?: number };
  minutesInMemory(): Iterable<LiveMinute>;
}

type LiveMinute = { readonly start: number; readonly end: number } & {
  readonly [name in PeriodName]: Windows;
};

/** Often enough that a ms10 window is seen within one window's length of becoming final. */
const tickMs = 10;
/** A clock that steps back, and a cluster that catches up, are noticed within so long. */
const longestPauseMs = 100;

/** Listeners that are sent the same events. */
interface Channel {
  readonly period: Period;
  /** What the length of each event is a multiple of: one window, or several for who has time. */
  readonly stepMs: number;
  readonly listeners: Set<Listener>;
  /** Up to where it was sent, epoch ms; a multiple of stepMs. */
  sentThrough: number;
}

export class LiveFeed {
  readonly #source: LiveSource;
  readonly #channels = new Set<Channel>();
  #timer: NodeJS.Timeout | undefined;

  constructor(source: LiveSource) {
    this.#source = source;
  }

  /**
   * Joins. With `from` (epoch ms), what has become final since then is sent first.
   * @param everyMs how much time an event is to cover at least, from one window up
   * @returns false where memory does not reach back to `from`: read the store up to now, and join
   * again
   */
  join(period: Period, listener: Listener, from?: number, everyMs: number = tickMs): boolean {
    const finalThrough = this.#source.sweep();
    const channel = this.#channel(period, alignUp(everyMs, period.windowMs), finalThrough);
    const { listeners, sentThrough } = channel;
    const first = Math.min(from ?? sentThrough, sentThrough);
    const remembered = Math.max(sentThrough - reachMs, this.#source.state().startedAt);
    if (first < sentThrough && first < remembered) return false;
    // Also where it is empty: it says from when on nothing will be missing.
    listener.send(this.#event(period, first, sentThrough, finalThrough));
    listeners.add(listener);
    this.#channels.add(channel);
    this.#rest(finalThrough);
    return true;
  }

  leave(listener: Listener): void {
    for (const channel of this.#channels) {
      channel.listeners.delete(listener);
      if (channel.listeners.size === 0) this.#channels.delete(channel);
    }
    if (this.#channels.size === 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
  }

  /** Drops everybody. */
  close(): void {
    for (const channel of this.#channels) this.#dropAll(channel);
  }

  /** The channel to which these listeners belong; a new one where there is none. */
  #channel(period: Period, stepMs: number, finalThrough: number): Channel {
    for (const channel of this.#channels)
      if (channel.period === period && channel.stepMs === stepMs) return channel;
    return { period, stepMs, listeners: new Set(), sentThrough: alignDown(finalThrough, stepMs) };
  }

  #tick(): void {
    const finalThrough = this.#source.sweep();
    for (const channel of this.#channels) {
      const { period, stepMs, listeners, sentThrough: from } = channel;
      const to = alignDown(finalThrough, stepMs);
      // Memory holds what the ring reaches back to. After a longer halt, and after the clock
      // stepped back, what comes next does not join on to what was sent.
      if (to < from || to - from > Math.max(reachMs, stepMs)) this.#dropAll(channel);
      if (to <= from) continue;
      channel.sentThrough = to;
      const event = this.#event(period, from, to, finalThrough);
      for (const listener of [...listeners]) listener.send(event);
    }
    if (this.#channels.size > 0) this.#rest(finalThrough);
  }

  /** Until the next event of any channel is due. */
  #rest(finalThrough: number): void {
    let pauseMs = longestPauseMs;
    for (const { sentThrough, stepMs } of this.#channels)
      pauseMs = Math.min(pauseMs, sentThrough + stepMs - finalThrough);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tick(), Math.max(pauseMs, tickMs));
  }

  #event(period: Period, from: number, to: number, finalThrough: number): LiveEvent {
    const chunks = this.#chunks(period, from, to);
    const messagesInAll = this.#messagesBefore(to);
    const total = messagesInAll === undefined ? {} : { messagesInAll };
    return { period, from, to, finalThrough, chunks, damaged: [], ...total };
  }

  /**
   * The total up to a time, so that it belongs to the same moment as the windows sent with it. What
   * came later is all in memory: it is younger than the ring reaches back.
   */
  #messagesBefore(time: number): number | undefined {
    const { messagesInAll } = this.#source.state();
    if (messagesInAll === undefined) return undefined;
    let later = 0;
    for (const { start, end, ms10: windows } of this.#source.minutesInMemory())
      if (end > time) later += totalOf(cut(start, windows, ms10, time, end).windows);
    return messagesInAll - later;
  }

  #chunks(period: Period, from: number, to: number): Chunk[] {
    return [...this.#source.minutesInMemory()]
      .filter((minute) => minute.end > from && minute.start < to)
      .sort((a, b) => a.start - b.start)
      .map((minute) => cut(minute.start, minute[period.name], period, from, to));
  }

  #dropAll({ listeners }: Channel): void {
    for (const listener of [...listeners]) {
      this.leave(listener);
      listener.drop();
    }
  }
}
