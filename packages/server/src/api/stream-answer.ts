/** Streams an answer about a range of windows. */
import { Readable } from 'node:stream';
import {
  contentTypes,
  type Damages,
  damagedOf,
  damagedTrailer,
  endRecord,
  type FormatName,
  type PartlyCounted,
  type Period,
  type RangeRequest,
  resolveRange,
} from '@reto3/core';
import type { Reply } from '@reto3/engine';
import type { FastifyReply } from 'fastify';

/** Upper bound of the windows in an answer. */
export function maxWindows(period: Period, question: RangeRequest, nowMs: number): number {
  const ends = { finalThrough: nowMs, newestEnd: nowMs };
  const { from, to, last = Number.POSITIVE_INFINITY } = resolveRange(period, question, nowMs, ends);
  return Math.min(last, (to - from) / period.windowMs);
}

/** Answers up to this size are sent in one piece, because a stream costs more than making them. */
const bufferedBytes = 65_536;

/**
 * Sets the headers and returns the body of an answer.
 * @param begin produces the answer
 * @param close called once the answer needs no more data: it is complete, was cut off, or failed
 */
export async function streamAnswer(
  reply: FastifyReply,
  format: FormatName,
  begin: () => Promise<Reply>,
  close: () => Promise<void>,
): Promise<Readable | Buffer> {
  try {
    const { pieces, damages, partial, to, empty, secondsOnly, moment } = await begin();
    reply.header('reto3-to', to).type(contentTypes[format]);
    if (empty) reply.header('reto3-empty', 'true');
    if (secondsOnly) reply.header('reto3-seconds-only', 'true');
    if (moment !== undefined) reply.header('reto3-moment', moment);
    const wantsEnd = reply.request.headers['reto3-end'] === 'body';
    const rest = (wantsEnd ? withEnd(pieces, damages, partial) : pieces)[Symbol.asyncIterator]();
    const { body, complete } = await readAhead(rest);
    // HTTP/1.0 has no chunks, and so no trailers. A long answer is sent in chunks even then: nginx,
    // which asks in HTTP/1.0 before 1.29.7, understands them and notices that an answer was cut off.
    if (!complete || reply.request.raw.httpVersion !== '1.0') setTrailers(reply, damages);
    if (!complete) {
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

/** Damage is known only after everything has been read; in JSON it is the last field. */
function setTrailers(reply: FastifyReply, damages: Damages): void {
  reply.trailer('reto3-damaged', async () => damagedTrailer(damages));
  reply.trailer('reto3-damaged-places', async () => String(damagedOf(damages).damagedPlaces));
}

/**
 * Proxies may drop trailers, or cut off an answer silently; an end record in the body survives the
 * first and reveals the second.
 */
async function* withEnd(
  pieces: AsyncIterable<Uint8Array | string>,
  damages: Damages,
  partial: PartlyCounted | undefined,
): AsyncGenerator<Uint8Array | string> {
  yield* pieces;
  yield endRecord(damages, partial);
}

type Pieces = AsyncIterator<Uint8Array | string>;

/** Reads to the end, or until it has more than `bufferedBytes`. */
async function readAhead(
  pieces: Pieces,
): Promise<{ readonly body: Buffer; readonly complete: boolean }> {
  const read: Uint8Array[] = [];
  let bytes = 0;
  while (bytes <= bufferedBytes) {
    const { value, done = false } = await pieces.next();
    if (done) return { body: Buffer.concat(read), complete: true };
    const piece = typeof value === 'string' ? Buffer.from(value) : value;
    read.push(piece);
    bytes += piece.byteLength;
  }
  return { body: Buffer.concat(read), complete: false };
}

async function* joined(beginning: Buffer, rest: Pieces): AsyncGenerator<Uint8Array | string> {
  yield beginning;
  // Returns the iterator if the reader stops early.
  yield* { [Symbol.asyncIterator]: () => rest };
}
