/**
 * The model of the simulation: how many messages were sent, and how many of them the server may no
 * longer lose.
 */
import type { PeriodName } from '@reto3/core';
import type { CoordinatorState } from '../coordinator/coordinator.ts';

/** Retention deletes the counts of a period before a time. */
interface Deletion {
  readonly period: PeriodName;
  /** Epoch ms. */
  readonly before: number;
  /** How many messages were counted there. */
  readonly messages: number;
}

type DeletedBefore = CoordinatorState['deletedBefore'];

export class Messages {
  /** Those that the server found at its start, and those sent since. */
  sent = 0;
  /** Those acknowledged as durable, which must never be lost. */
  acknowledged = 0;
  /** Those that must be flushed by now in memory mode, however slow the disk is. */
  flushedByNow = 0;
  /** Flush number → messages that wait for it. */
  readonly #waiting = new Map<number, number>();
  /** They may have failed. */
  #deletions: Deletion[] = [];

  /** @param flush the number of the flush that will contain them */
  send(messages: number, flush: number): void {
    this.#waiting.set(flush, (this.#waiting.get(flush) ?? 0) + messages);
    this.sent += messages;
  }

  /** Everything sent under the flush number or an earlier one is on disk. */
  acknowledge(flush: number): void {
    for (const [number, messages] of this.#waiting) {
      if (number > flush) continue;
      this.acknowledged += messages;
      this.#waiting.delete(number);
    }
  }

  /** The disk failed for so long that the server dropped messages. */
  giveUp(messages: number): void {
    this.sent -= messages;
    this.acknowledged = Math.min(this.acknowledged, this.sent);
    this.flushedByNow = Math.min(this.flushedByNow, this.sent);
  }

  /** A server started, and found so many. */
  restart(found: number): void {
    this.#waiting.clear();
    this.sent = this.acknowledged = this.flushedByNow = found;
  }

  /** Retention tries to delete. @param now how far it has deleted so far */
  delete(deletion: Deletion, now: DeletedBefore): void {
    const isDone = ({ period, before }: Deletion): boolean => before <= now[period];
    // A later attempt also deletes what an earlier one failed to.
    this.#deletions = this.#deletions.filter(
      (one) => one.period !== deletion.period || isDone(one),
    );
    this.#deletions.push(deletion);
  }

  /** The end of the time that retention has tried to delete of any period, epoch ms. */
  get deletedBefore(): number {
    return Math.max(0, ...this.#deletions.map(({ before }) => before));
  }

  /** How many of a period no reader sees any more. @param now how far retention has deleted */
  deleted(period: PeriodName, now: DeletedBefore): number {
    let messages = 0;
    for (const one of this.#deletions)
      if (one.period === period && one.before <= now[period]) messages += one.messages;
    return messages;
  }
}
