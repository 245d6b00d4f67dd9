/**
 * Reads seconds as the node's store and journal hold them, with the number of the write that they
 * are as of. Nothing else is ever published.
 */
import { alignDown, ms10, ms10PerSecond, sec, secondsOnly, sliceOf } from '@reto3/core';
import type { StoredCounts } from '@reto3/engine';
import { mostMessageMs, type NodeMessage } from './message.ts';
import { mostSecondBytes, packSecond } from './second.ts';
import type { Span } from './spans.ts';

export interface StoredSeconds {
  /** Seconds in which something was counted. */
  readonly seconds: NodeMessage['seconds'];
  /** Where the unread rest of the span begins, epoch ms; its end if there is none. */
  readonly through: number;
  /** Whether a damaged row was left out. */
  readonly damaged: boolean;
  /** Whether a minute has windows of which only the second is known; those are left out. */
  readonly coarse: boolean;
}

/** Reads a span, minute by minute, until the seconds have that many bytes or fill a message. */
export async function readSeconds(
  stored: StoredCounts,
  { from, to }: Span,
  bytes: number,
): Promise<StoredSeconds> {
  const seconds: NodeMessage['seconds'][number][] = [];
  let [damaged, coarse] = [false, false];
  const onDamage = (): void => {
    damaged = true;
  };
  const range = { from: alignDown(from, ms10.blockMs), to };
  for await (const { start, windows } of stored.minutes(range, onDamage)) {
    const end = Math.min(to, start + ms10.blockMs);
    const isFull =
      seconds.length * mostSecondBytes >= bytes ||
      end - (seconds[0]?.start ?? start) > mostMessageMs;
    if (isFull) return { seconds, through: start, damaged, coarse };
    coarse ||= windows.counted.includes(secondsOnly);
    for (let second = Math.max(from, start); second < end; second += sec.windowMs) {
      const first = (second - start) / ms10.windowMs;
      const ofSecond = sliceOf(windows, first, first + ms10PerSecond);
      if (ofSecond.counted.includes(1))
        seconds.push({ start: second, packed: packSecond(ofSecond) });
    }
  }
  return { seconds, through: to, damaged, coarse };
}
