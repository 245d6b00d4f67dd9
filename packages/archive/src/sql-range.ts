/** The range of a statement: whole windows of 10 ms, the same for messages and counts. */
import { alignUp, ms10, parseTime, Reto3Error } from '@reto3/core';
import { type ArchiveRange, filesIn } from './reader.ts';

export interface SqlRange {
  readonly messages: ArchiveRange;
  /** From the first archived hour if no beginning was given; epoch ms. */
  readonly counts: { readonly from: number; readonly to: number | undefined };
}

/** @throws Reto3Error RETO3_BAD_TIME, RETO3_BAD_RANGE */
export function sqlRange(
  folder: string,
  { from, to }: { readonly from: string | undefined; readonly to: string | undefined },
  nowMs: number,
): SqlRange {
  const time = (name: 'from' | 'to', text: string): number =>
    alignUp(parseTime(name, text, nowMs), ms10.windowMs);
  const begin = from === undefined ? 0 : time('from', from);
  const end = to === undefined ? undefined : time('to', to);
  if (from !== undefined && end !== undefined && begin >= end)
    throw new Reto3Error('RETO3_BAD_RANGE', `got from "${from}" not before to "${to}"`, {
      hint: 'exchange them, or let --to be later: an age counts back from now',
    });
  const messages = { from: begin, to: end ?? Number.POSITIVE_INFINITY };
  const [oldest] = from === undefined ? filesIn(folder, messages) : [];
  return { messages, counts: { from: oldest?.hour ?? begin, to: end } };
}
