/** Answers about a range of windows, sent piece by piece. */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Period } from '../period.ts';
import type { Reply } from '../query/answer.ts';
import { contentTypes, damagesText, type FormatName } from '../query/format.ts';
import { type RangeRequest, resolveRange } from '../query/range.ts';

/** How many windows an answer can have. */
export function mostWindows(period: Period, question: RangeRequest, nowMs: number): number {
  const ends = { finalThrough: nowMs, newestEnd: nowMs };
  const { from, to, last = Number.POSITIVE_INFINITY } = resolveRange(period, question, nowMs, ends);
  return Math.min(last, (to - from) / period.windowMs);
}

/**
 * The body of an answer, with its headers set. Asks `begin` for the answer, and calls `close` when
 * nothing is read of it any more: when the body is out, or was cut, or there is none.
 */
export async function streamed(
  reply: FastifyReply,
  format: FormatName,
  begin: () => Promise<Reply>,
  close: () => Promise<void>,
): Promise<Readable> {
  try {
    const { pieces, damages, to, empty } = await begin();
    reply.header('reto3-to', to).type(contentTypes[format]);
    if (empty) reply.header('reto3-empty', 'true');
    // Known only when everything has been read; in JSON it is the last field.
    reply.trailer('reto3-damaged', async () => damagesText(damages));
    return Readable.from(pieces, { objectMode: false }).once('close', () => void close());
  } catch (error) {
    await close();
    throw error;
  }
}
