/** The range of a statement: whole windows of 10 ms, for messages and counts alike. */
import { alignUp, ms10, parseFromTo } from '@reto3/core';
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
export function messageRange(asked: Asked, nowMs: number): ArchiveRange {
  const { from = 0, to = Number.POSITIVE_INFINITY } = parseFromTo(asked, nowMs);
  return { from: alignUp(from, ms10.windowMs), to: alignUp(to, ms10.windowMs) };
}

/** @throws Reto3Error RETO3_BAD_TIME, RETO3_BAD_RANGE */
export function sqlRange(folder: string, asked: Asked, nowMs: number): SqlRange {
  const messages = messageRange(asked, nowMs);
  const [oldest] = asked.from === undefined ? filesIn(folder, messages) : [];
  const to = asked.to === undefined ? undefined : messages.to;
  return { messages, counts: { from: oldest?.hour ?? messages.from, to } };
}
