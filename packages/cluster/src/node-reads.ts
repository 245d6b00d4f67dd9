/**
 * A node's replies to mergers: digests of what it has, and the seconds and rows that a merger lacks.
 * It prepares one reply at a time, in slices, so that counting is not delayed.
 */
import { setImmediate } from 'node:timers/promises';
import { alignDown, min, type PeriodName } from '@reto3/core';
import { addSeconds, addWindows, type Digest } from './digest.ts';
import { decodeMessage } from './message.ts';
import type { Publisher } from './publisher.ts';
import {
  type Digests,
  decodeRequest,
  encodeDigests,
  encodeRows,
  isReadFailure,
  NoReply,
  type ReadRequest,
} from './read-message.ts';
import { decodeReportMessage } from './report-message.ts';

/** The minutes in one reply: they take a second or two. */
const mostMinutes = 1_440;
/** The messages behind one reply, or a minute more: of counts, those minutes; of rows, a second. */
const mostBytes = { counts: Infinity, rows: 2 << 20 };
/** Mergers send one request at a time; further requests get no reply. */
const mostWaiting = 64;

export interface NodeReadsParts {
  readonly node: string;
  /** The end of what is deleted of a period, epoch ms. */
  readonly keptFrom: (period: PeriodName) => number;
  readonly publisher: Pick<Publisher, 'read'>;
  /** Hears of an error that only a mistake in the code can cause. */
  readonly onMistake: (error: unknown) => void;
}

export class NodeReads {
  readonly #parts: NodeReadsParts;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(parts: NodeReadsParts) {
    this.#parts = parts;
  }

  /** @throws BadMessage; NoReply if the node may not publish now, or has too many requests */
  async answer(bytes: Uint8Array): Promise<Uint8Array> {
    const request = decodeRequest(bytes);
    if (this.#waiting >= mostWaiting) throw new NoReply('too many requests at once');
    this.#waiting++;
    const answer = this.#last.then(() => this.#answer(request));
    this.#last = answer
      .catch((error: unknown) => {
        if (!isReadFailure(error)) this.#parts.onMistake(error);
      })
      .finally(() => this.#waiting--);
    return answer;
  }

  async #answer(request: ReadRequest): Promise<Uint8Array> {
    if (request.of === 'minutes') return encodeDigests(await this.#digests(request));
    return encodeRows(await this.#parts.publisher.read(request));
  }

  /** The digests of exactly what it would reply to a request for the seconds or rows. */
  async #digests(request: ReadRequest): Promise<Digests> {
    const of = request.report === undefined ? 'counts' : 'rows';
    const keptFrom = this.#parts.keptFrom(request.period ?? 'ms10');
    const digests: Digest[] = [];
    let from = alignDown(Math.max(request.from, keptFrom), min.windowMs);
    for (let bytes = 0; ; ) {
      const { message, next } = await this.#parts.publisher.read({ ...request, of, from });
      const lineage = this.#add(digests, of, message);
      if (next === undefined) return { keptFrom, lineage, next, digests };
      bytes += message.length;
      const rest = alignDown(next, min.windowMs);
      const whole = digests.filter(({ start }) => start < rest);
      if (whole.length >= mostMinutes || (whole.length > 0 && bytes >= mostBytes[of]))
        return { keptFrom, lineage, next: rest, digests: whole };
      from = next;
      await setImmediate();
    }
  }

  /** Adds the digests of a message. Returns the lineage of rows; of counts 0. */
  #add(digests: Digest[], of: 'counts' | 'rows', message: Uint8Array): number {
    const { node } = this.#parts;
    if (of === 'counts') {
      addSeconds(digests, decodeMessage(message, node).seconds);
      return 0;
    }
    const { lineage, windows } = decodeReportMessage(message, node);
    addWindows(digests, windows);
    return lineage;
  }
}
