/** The range of a statement: whole windows of 10 ms, for messages and counts alike. */
import { alignUp, ms10, parseTime, Reto3Error } from '@reto3/core';
import { type ArchiveRange, filesIn } from './reader.ts';

export interface SqlRange {
  readonly messages: ArchiveRange;
  /** Epoch ms. Starts with the first archived hour if the user gave no beginning. */
  readonly counts: { readonly from: number; readonly to: number | undefined };
}

interface Asked {
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** @throws Reto3Error RETO3_BAD_TIME, RETO3_BAD_RANGE */
export function messageRange({ from, to }: Asked, nowMs: number): ArchiveRange {
  const time = (name: 'from' | 'to', text: string): number =>
    alignUp(parseTime(name, text, nowMs), ms10.windowMs);
  const begin = from === undefined ? 0 : time('from', from);
  const end = to === undefined ? Number.POSITIVE_INFINITY : time('to', to);
  if (from !== undefined && begin >= end)
    throw new Reto3Error('RETO3_BAD_RANGE', `got from "${from}" not before to "${to}"`, {
      hint: 'exchange them, or let --to be later: an age counts back from now',
    });
  return { from: begin, to: end };
}

/** @throws Reto3Error RETO3_BAD_TIME, RETO3_BAD_RANGE */
export function sqlRange(folder: string, asked: Asked, nowMs: number): SqlRange {
  const messages = messageRange(asked, nowMs);
  const [oldest] = asked.from === undefined ? filesIn(folder, messages) : [];
  const to = asked.to === undefined ? undefined : messages.to;
  return { messages, counts: { from: oldest?.hour ?? messages.from, to } };
}
