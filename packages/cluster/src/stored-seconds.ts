/**
 * Reads seconds as the node's own store and journal hold them, with the number of the write that
 * they are as of: what is published is never anything else.
 */
import {
  alignDown,
  ms10,
  ms10PerSecond,
  sec,
  secondsOnly,
  sliceOf,
  type Windows,
} from '@reto3/core';
import type { StoredCounts } from '@reto3/engine';
import type { NodeMessage } from './message.ts';
import { packSecond } from './second.ts';
import type { Span } from './spans.ts';

export interface StoredSeconds {
  readonly revision: number;
  readonly seconds: NodeMessage['seconds'];
  /** Up to where the span was read: there may be more behind it. Epoch ms. */
  readonly through: number;
  /** Whether a damaged row was left out. */
  readonly damaged: boolean;
  /** Whether seconds were left out of which nothing finer is known: in this minute, if not here. */
  readonly coarse: boolean;
}

/** The first minute of the span of which anything is stored. */
export async function readSeconds(stored: StoredCounts, span: Span): Promise<StoredSeconds> {
  const { revision } = stored;
  let damaged = false;
  const onDamage = (): void => {
    damaged = true;
  };
  const minutes = { from: alignDown(span.from, ms10.blockMs), to: span.to };
  for await (const { start, windows } of stored.minutes(minutes, onDamage)) {
    const end = Math.min(span.to, start + ms10.blockMs);
    const seconds = secondsOf(windows, start, span);
    const coarse = windows.counted.includes(secondsOnly);
    return { revision, seconds, through: end, damaged, coarse };
  }
  return { revision, seconds: [], through: span.to, damaged, coarse: false };
}

/** The packed seconds of a minute that start within the span, without those that nobody counted. */
export function secondsOf(
  windows: Windows,
  start: number,
  { from, to }: Span,
): { readonly start: number; readonly packed: Uint8Array }[] {
  const seconds: { start: number; packed: Uint8Array }[] = [];
  const end = Math.min(to, start + ms10.blockMs);
  for (let second = Math.max(from, start); second < end; second += sec.windowMs) {
    const first = (second - start) / ms10.windowMs;
    const ofSecond = sliceOf(windows, first, first + ms10PerSecond);
    if (ofSecond.counted.includes(1)) seconds.push({ start: second, packed: packSecond(ofSecond) });
  }
  return seconds;
}
