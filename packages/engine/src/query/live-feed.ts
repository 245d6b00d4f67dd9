/**
 * Sends windows to listeners as they become final. Listeners of one period and step form a channel
 * and share one sweep and one event.
 *
 * Events of a channel are contiguous. If continuity is lost, the feed drops the listeners instead
 * of buffering; they read what they miss from the store and join again.
 *
 * The feed ticks only while there are listeners, and no more often than the fastest channel needs:
 * sweeping every 10 ms takes 2 % of a processor.
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
import { isStoreFailure } from '../store/database-failure.ts';
import { cut } from './chunks.ts';

/** All windows that start in [from, to), epoch ms; they have become final. */
export interface LiveEvent {
  readonly period: Period;
  readonly from: number;
  readonly to: number;
  readonly finalThrough: number;
  readonly chunks: readonly Chunk[];
  /** Damaged parts of the range. */
  readonly damaged: readonly Damage[];
  /** All messages counted before `to`; absent if the source has no such total. */
  readonly messagesInAll?: number;
}

export interface Listener {
  /** Receives the events in order; each starts where the previous one ended. */
  send(event: LiveEvent): void;
  /** The feed lost continuity and has removed the listener. */
  drop(): void;
}

/** The source of the windows: the coordinator, or the merger of a cluster. */
export interface LiveSource {
  /** Takes in new counts and returns `finalThrough`, epoch ms. */
  sweep(): number;
  /**
   * `startedAt` (epoch ms): memory holds all counts from then on, up to `reachMs` back.
   * `messagesInAll`: everything counted so far, including windows that are not final.
   */
  state(): { readonly startedAt: number; readonly messagesInAll?: number };
  minutesInMemory(): Iterable<LiveMinute>;
}

type LiveMinute = { readonly start: number; readonly end: number } & {
  readonly [name in PeriodName]: Windows;
};

/** A ms10 window is sent at most one window after it became final. */
const tickMs = 10;
/** Bounds the delay in noticing a clock that stepped back, or a cluster that catches up. */
const longestPauseMs = 100;

/** Listeners that receive the same events. */
interface Channel {
  readonly period: Period;
  /** The length of each event is a multiple of it; itself a multiple of the window. */
  readonly stepMs: number;
  readonly listeners: Set<Listener>;
  /** End of the last event, epoch ms; a multiple of stepMs. */
  sentThrough: number;
}

export class LiveFeed {
  readonly #source: LiveSource;
  readonly #onMistake: (error: unknown) => void;
  readonly #channels = new Set<Channel>();
  #timer: NodeJS.Timeout | undefined;

  /** @param onMistake hears of an error that only a mistake in the code can cause */
  constructor(source: LiveSource, onMistake: (error: unknown) => void) {
    this.#source = source;
    this.#onMistake = onMistake;
  }

  /**
   * Adds a listener and sends it a first event: the windows since `from`, or an empty one that says
   * where the stream begins.
   * @param from epoch ms; everything that has become final since then is sent first
   * @param everyMs the least time that an event covers, rounded up to whole windows
   * @returns false if memory does not reach back to `from`: read the store, then join again
   * @throws what the source throws if it cannot be read
   */
  join(period: Period, listener: Listener, from?: number, everyMs: number = tickMs): boolean {
    try {
      return this.#join(period, listener, from, everyMs);
    } catch (error) {
      this.#noteMistake(error);
      throw error;
    }
  }

  #join(period: Period, listener: Listener, from: number | undefined, everyMs: number): boolean {
    const finalThrough = this.#source.sweep();
    const channel = this.#channel(period, alignUp(everyMs, period.windowMs), finalThrough);
    const { listeners, sentThrough } = channel;
    const first = Math.min(from ?? sentThrough, sentThrough);
    const remembered = Math.max(sentThrough - reachMs, this.#source.state().startedAt);
    if (first < sentThrough && first < remembered) return false;
    listener.send(this.#event(period, first, sentThrough, finalThrough));
    listeners.add(listener);
    this.#channels.add(channel);
    this.#schedule(finalThrough);
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

  /** Drops all listeners. */
  close(): void {
    for (const channel of this.#channels) this.#dropAll(channel);
  }

  /** The channel of this period and step, which is new if there is none. */
  #channel(period: Period, stepMs: number, finalThrough: number): Channel {
    for (const channel of this.#channels)
      if (channel.period === period && channel.stepMs === stepMs) return channel;
    return { period, stepMs, listeners: new Set(), sentThrough: alignDown(finalThrough, stepMs) };
  }

  #tick(): void {
    try {
      this.#sendFinal();
    } catch (error) {
      this.#noteMistake(error);
      this.close();
    }
  }

  /** A merger may have to read its store, which may be failing. Any other error is a mistake. */
  #noteMistake(error: unknown): void {
    if (!isStoreFailure(error)) this.#onMistake(error);
  }

  #sendFinal(): void {
    const finalThrough = this.#source.sweep();
    for (const channel of this.#channels) {
      const { period, stepMs, listeners, sentThrough: from } = channel;
      const to = alignDown(finalThrough, stepMs);
      if (to === from) continue;
      // Memory reaches back only as far as the ring, so after a longer halt events would not be
      // contiguous; nor are they after the clock stepped back.
      if (to < from || to - from > Math.max(reachMs, stepMs)) {
        this.#dropAll(channel);
        continue;
      }
      channel.sentThrough = to;
      const event = this.#event(period, from, to, finalThrough);
      for (const listener of [...listeners]) listener.send(event);
    }
    if (this.#channels.size > 0) this.#schedule(finalThrough);
  }

  /** Sets the timer for the next event of any channel. */
  #schedule(finalThrough: number): void {
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
   * All messages counted before a time, so that the total fits the windows sent with it. Later
   * counts are all in memory, since they are newer than the ring reaches back.
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
