/**
 * A node's answers to the mergers: digests of what its store holds, and the seconds and rows that a
 * merger lacks. One answer at a time, in slices, so that counting does not notice.
 */
import { setImmediate } from 'node:timers/promises';
import { alignDown, min, type PeriodName, sec } from '@reto3/core';
import type { StoredCounts } from '@reto3/engine';
import { addWindows, type Digest, minuteDigest } from './digest.ts';
import type { Publisher } from './publisher.ts';
import {
  type Digests,
  decodeRequest,
  encodeDigests,
  encodeRows,
  type ReadRequest,
} from './read-message.ts';
import { decodeReportMessage } from './report-message.ts';
import { secondsOf } from './stored-seconds.ts';

/** So many minutes are digested for one answer: it comes in a second or two. */
const mostMinutes = 1_440;
/** So much of a report, packed, or a minute more: it comes within a second as well. */
const mostRowBytes = 2 << 20;
/** Mergers ask one after the other; whoever asks more is not answered. */
const mostWaiting = 64;

export interface NodeReadsParts {
  readonly node: string;
  readonly stored: () => StoredCounts;
  /** Up to where a period is deleted, epoch ms. */
  readonly keptFrom: (period: PeriodName) => number;
  readonly publisher: Pick<Publisher, 'read'>;
}

export class NodeReads {
  readonly #parts: NodeReadsParts;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(parts: NodeReadsParts) {
    this.#parts = parts;
  }

  /** @throws BadMessage; Error where the node may not publish now, or is asked too much */
  async answer(bytes: Uint8Array): Promise<Uint8Array> {
    const request = decodeRequest(bytes);
    if (this.#waiting >= mostWaiting) throw new Error('too many questions at once');
    this.#waiting++;
    const answer = this.#last.then(() => this.#answer(request));
    this.#last = answer.catch(() => undefined).finally(() => this.#waiting--);
    return answer;
  }

  async #answer(request: ReadRequest): Promise<Uint8Array> {
    const { of, period } = request;
    if (of !== 'minutes') return encodeRows(await this.#parts.publisher.read(request));
    if (period === undefined) return encodeDigests(await this.#countDigests(request));
    return encodeDigests(await this.#rowDigests(request, period));
  }

  async #countDigests({ from: first, to }: ReadRequest): Promise<Digests> {
    const keptFrom = this.#parts.keptFrom('ms10');
    const from = alignDown(Math.max(first, keptFrom), min.windowMs);
    const digests: Digest[] = [];
    const stored = this.#parts.stored();
    try {
      // What is damaged is missing in the digest; the log says so when it is published.
      for await (const { start, windows } of stored.minutes({ from, to }, () => undefined)) {
        if (digests.length >= mostMinutes) return { keptFrom, next: start, digests };
        const seconds = secondsOf(windows, start, { from: start, to: start + min.windowMs });
        const indexed = seconds.map(
          ({ start: second, packed }) => [(second - start) / sec.windowMs, packed] as const,
        );
        const digest = minuteDigest(start, indexed);
        if (digest !== undefined) digests.push(digest);
        await setImmediate();
      }
    } finally {
      await stored.close();
    }
    return { keptFrom, digests };
  }

  /** Of just what it would answer to whoever asks for the rows. */
  async #rowDigests(request: ReadRequest, period: PeriodName): Promise<Digests> {
    const { node, publisher } = this.#parts;
    const keptFrom = this.#parts.keptFrom(period);
    const digests: Digest[] = [];
    let from = alignDown(Math.max(request.from, keptFrom), min.windowMs);
    for (let bytes = 0; ; ) {
      const { message, next } = await publisher.read({ ...request, of: 'rows', from });
      const { lineage, windows } = decodeReportMessage(message, node);
      addWindows(digests, windows);
      if (next === undefined) return { keptFrom, lineage, digests };
      bytes += message.length;
      const rest = alignDown(next, min.windowMs);
      const whole = digests.filter(({ start }) => start < rest);
      if (whole.length >= mostMinutes || (whole.length > 0 && bytes >= mostRowBytes))
        return { keptFrom, lineage, next: rest, digests: whole };
      from = next;
      await setImmediate();
    }
  }
}
