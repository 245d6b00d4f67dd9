/**
 * What failures lead to: when the store is opened again, which reasons are told, and what is given up
 * so that memory stays bounded.
 */
import { type MonotonicMs, messageOf } from '@reto3/core';
import type { RingReader } from '../ring/ring.ts';
import type { OpenMinutes } from './open-minutes.ts';
import type { FlushParticipant } from './participant.ts';

/** The first and the longest pause before the store is opened again. */
const firstRetryMs = 100;
const lastRetryMs = 2_000;

/** So many reasons are told until the store has recovered: two may take turns, or name numbers. */
const mostReasons = 16;

/**
 * How many minutes are kept in memory while the store fails: six hours, about 22 MB. Older ones are
 * given up, counted and reported.
 */
const heldMinutes = 360;

export class Failures {
  readonly #minutes: OpenMinutes;
  readonly #ring: RingReader;
  readonly #participants: readonly FlushParticipant[];
  #retryAt = 0;
  #pauseMs = firstRetryMs / 2;
  /** Why it failed since all was well, as it was told. */
  readonly #told = new Set<string>();
  #count = 0;
  #messagesLost = 0;

  constructor(minutes: OpenMinutes, ring: RingReader, participants: readonly FlushParticipant[]) {
    this.#minutes = minutes;
    this.#ring = ring;
    this.#participants = participants;
  }

  /** How often anything failed. */
  get count(): number {
    return this.#count;
  }

  /** Messages that were given up because the store failed for too long. */
  get messagesLost(): number {
    return this.#messagesLost;
  }

  /** Plans to open the store again, after a longer pause than the last. Returns whether to tell. */
  note(error: unknown, now: MonotonicMs): boolean {
    this.#count++;
    this.#pauseMs = Math.min(lastRetryMs, this.#pauseMs * 2);
    this.#retryAt = now + this.#pauseMs;
    const reason = messageOf(error);
    if (this.#told.has(reason) || this.#told.size === mostReasons) return false;
    this.#told.add(reason);
    return true;
  }

  isRetryDue(now: MonotonicMs): boolean {
    return now >= this.#retryAt;
  }

  /** Everything is written again. */
  recovered(): void {
    this.#pauseMs = firstRetryMs / 2;
    this.#told.clear();
  }

  giveUpOldest(): void {
    const lost = this.#minutes.dropOldest(heldMinutes);
    if (lost === 0) return;
    this.#messagesLost += lost;
    const flush = this.#ring.raiseFlush();
    for (const one of this.#participants) one.gaveUp?.(flush);
  }
}
