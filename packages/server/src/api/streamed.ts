/** Answers about a range of windows, sent piece by piece. */
import { Readable } from 'node:stream';
import {
  contentTypes,
  type Damages,
  damagedOf,
  damagedTrailer,
  endRecord,
  type FormatName,
  type Period,
  type RangeRequest,
  resolveRange,
} from '@reto3/core';
import type { Reply } from '@reto3/engine';
import type { FastifyReply } from 'fastify';

/** How many windows an answer can have. */
export function mostWindows(period: Period, question: RangeRequest, nowMs: number): number {
  const ends = { finalThrough: nowMs, newestEnd: nowMs };
  const { from, to, last = Number.POSITIVE_INFINITY } = resolveRange(period, question, nowMs, ends);
  return Math.min(last, (to - from) / period.windowMs);
}

/** An answer of so few bytes is sent as one: a stream of its own costs more than making it. */
const shortBytes = 65_536;

/**
 * The body of an answer, with its headers set. Asks `begin` for the answer, and calls `close` when
 * nothing is read of it any more: when the body is made, or is out, or was cut, or there is none.
 */
export async function streamed(
  reply: FastifyReply,
  format: FormatName,
  begin: () => Promise<Reply>,
  close: () => Promise<void>,
): Promise<Readable | Buffer> {
  try {
    const { pieces, damages, to, empty } = await begin();
    reply.header('reto3-to', to).type(contentTypes[format]);
    if (empty) reply.header('reto3-empty', 'true');
    // Known only when everything has been read; in JSON it is the last field.
    reply.trailer('reto3-damaged', async () => damagedTrailer(damages));
    reply.trailer('reto3-damaged-places', async () => String(damagedOf(damages).damagedPlaces));
    const wantsEnd = reply.request.headers['reto3-end'] === 'body';
    const rest = (wantsEnd ? withEnd(pieces, damages) : pieces)[Symbol.asyncIterator]();
    const { body, whole } = await beginningOf(rest);
    if (!whole) {
      const stream = Readable.from(joined(body, rest), { objectMode: false });
      return stream.once('close', () => void close());
    }
    await close();
    return body;
  } catch (error) {
    await close();
    throw error;
  }
}

/** Proxies may drop trailers, and cut an answer without a sign of it: this end is in the body. */
async function* withEnd(
  pieces: AsyncIterable<Uint8Array | string>,
  damages: Damages,
): AsyncGenerator<Uint8Array | string> {
  yield* pieces;
  yield endRecord(damages);
}

type Pieces = AsyncIterator<Uint8Array | string>;

/** Reads until it has all, or more than is short. */
async function beginningOf(
  pieces: Pieces,
): Promise<{ readonly body: Buffer; readonly whole: boolean }> {
  const read: Uint8Array[] = [];
  let bytes = 0;
  while (bytes <= shortBytes) {
    const { value, done = false } = await pieces.next();
    if (done) return { body: Buffer.concat(read), whole: true };
    const piece = typeof value === 'string' ? Buffer.from(value) : value;
    read.push(piece);
    bytes += piece.byteLength;
  }
  return { body: Buffer.concat(read), whole: false };
}

async function* joined(beginning: Buffer, rest: Pieces): AsyncGenerator<Uint8Array | string> {
  yield beginning;
  // Ends the rest where the reader ends early.
  yield* { [Symbol.asyncIterator]: () => rest };
}
