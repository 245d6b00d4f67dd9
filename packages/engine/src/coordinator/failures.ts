/**
 * The consequences of failures: when to reopen the store, which reasons to report, and which
 * minutes to drop so that memory stays bounded.
 */
import { type MonotonicMs, messageOf } from '@reto3/core';
import type { RingReader } from '../ring/ring.ts';
import type { OpenMinutes } from './open-minutes.ts';
import type { FlushParticipant } from './participant.ts';

/** The first and the longest pause before the store is reopened; each pause doubles. */
const minPauseMs = 100;
const maxPauseMs = 2_000;

/** Reasons reported until the store recovers: they may alternate, or contain numbers. */
const maxReasons = 16;

/**
 * Minutes kept in memory while the store fails: six hours, about 22 MB. Older ones are dropped,
 * counted and reported.
 */
const maxMinutes = 360;

export class Failures {
  readonly #minutes: OpenMinutes;
  readonly #ring: RingReader;
  readonly #participants: readonly FlushParticipant[];
  #retryAt = 0;
  /** The last pause, before it doubles. */
  #pauseMs = minPauseMs / 2;
  /** The reasons reported since the last recovery. */
  readonly #reasons = new Set<string>();
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

  /** Messages dropped because the store failed for too long. */
  get messagesLost(): number {
    return this.#messagesLost;
  }

  /** Plans to reopen the store, after a longer pause than before. Returns whether to report it. */
  note(error: unknown, now: MonotonicMs): boolean {
    this.#count++;
    this.#pauseMs = Math.min(maxPauseMs, this.#pauseMs * 2);
    this.#retryAt = now + this.#pauseMs;
    const reason = messageOf(error);
    if (this.#reasons.has(reason) || this.#reasons.size === maxReasons) return false;
    this.#reasons.add(reason);
    return true;
  }

  isRetryDue(now: MonotonicMs): boolean {
    return now >= this.#retryAt;
  }

  /** Everything is written again. */
  recovered(): void {
    this.#pauseMs = minPauseMs / 2;
    this.#reasons.clear();
  }

  /** Drops the oldest unwritten minutes beyond the limit, and tells the participants. */
  giveUpOldest(): void {
    const lost = this.#minutes.dropOldest(maxMinutes);
    if (lost === 0) return;
    this.#messagesLost += lost;
    const flush = this.#ring.raiseFlush();
    for (const one of this.#participants) one.gaveUp?.(flush);
  }
}
