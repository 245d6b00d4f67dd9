/**
 * Reads seconds as the node's own store holds them, with the number of the write that they are as
 * of: what is published is never anything else.
 */
import { alignDown, ms10, ms10PerSecond, sec, sliceOf, type Windows } from '@reto3/core';
import { decodeMeta, type StoreSnapshot } from '@reto3/engine';
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
}

/** The first minute of the span of which the store has anything. */
export async function readSeconds(snapshot: StoreSnapshot, span: Span): Promise<StoredSeconds> {
  const { from, to } = span;
  const meta = await snapshot.text('meta');
  const revision = meta === undefined ? 0 : decodeMeta(meta).writes;
  let damaged = false;
  const onDamage = (): void => {
    damaged = true;
  };
  const journal = new Map<number, Windows>();
  for await (const row of snapshot.rows('journal', span, onDamage)) {
    const [first = row.start] = journal.keys();
    if (alignDown(row.start, ms10.blockMs) !== alignDown(first, ms10.blockMs)) break;
    journal.set(row.start, row.windows);
  }
  const [firstJournal = to] = journal.keys();
  const blocks = {
    from: alignDown(from, ms10.blockMs),
    to: Math.min(to, alignDown(firstJournal, ms10.blockMs) + 1),
  };
  let block: { readonly start: number; readonly windows: Windows } | undefined;
  // Nearly always the journal has all of the few seconds that changed.
  if (journal.size * sec.windowMs < to - from) {
    for await (const row of snapshot.rows('ms10', blocks, onDamage)) {
      block = row;
      break;
    }
  }
  const start = block?.start ?? (journal.size > 0 ? alignDown(firstJournal, ms10.blockMs) : to);
  const end = Math.min(to, start + ms10.blockMs);
  const seconds: { start: number; packed: Uint8Array }[] = [];
  for (let second = Math.max(from, start); second < end; second += sec.windowMs) {
    // The journal holds the whole count of its windows, so where both have a second, it is right.
    const inBlock = (second - start) / ms10.windowMs;
    const windows =
      journal.get(second) ?? (block && sliceOf(block.windows, inBlock, inBlock + ms10PerSecond));
    if (windows?.counted.includes(1)) seconds.push({ start: second, packed: packSecond(windows) });
  }
  return { revision, seconds, through: end, damaged };
}
