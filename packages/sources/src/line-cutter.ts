/**
 * Cuts a stream of bytes into lines, without copying those that lie within one chunk.
 *
 * A line ends with LF or CRLF; the last one needs neither. A byte order mark at the start is
 * dropped, as are NUL bytes at the start of a line: a log truncated under a writer that kept its
 * offset has a hole there. Memory: one chunk, and a line of up to 1 MiB; `tooLong` is called as soon
 * as a line exceeds that.
 */
import { byteOrderMark, carriageReturn, lineFeed, startsWith } from './bytes.ts';
import type { TakeLine } from './wrappers.ts';

const maxLineBytes = 1 << 20;

export class LineCutter {
  readonly #take: TakeLine;
  readonly #tooLong: () => void;
  /** The start of a line that the last chunk did not end. */
  #rest = Buffer.allocUnsafe(1 << 16);
  #restBytes = 0;
  /** The line is too long; its rest is dropped. */
  #isTooLong = false;
  #isFirst = true;

  constructor(take: TakeLine, tooLong: () => void) {
    this.#take = take;
    this.#tooLong = tooLong;
  }

  write(chunk: Buffer): void {
    let from = 0;
    if (this.#restBytes > 0 || this.#isTooLong) {
      const end = chunk.indexOf(lineFeed);
      if (end === -1) {
        this.#keep(chunk, 0, chunk.length);
        return;
      }
      this.#keep(chunk, 0, end);
      this.#takeRest();
      from = end + 1;
    }
    for (;;) {
      const end = chunk.indexOf(lineFeed, from);
      if (end === -1) break;
      this.#line(chunk, from, end);
      from = end + 1;
    }
    if (from < chunk.length) this.#keep(chunk, from, chunk.length);
  }

  end(): void {
    if (this.#restBytes > 0) this.#takeRest();
  }

  #takeRest(): void {
    if (!this.#isTooLong) this.#line(this.#rest, 0, this.#restBytes);
    this.#restBytes = 0;
    this.#isTooLong = false;
  }

  #line(bytes: Uint8Array, begin: number, end: number): void {
    let from = begin;
    let to = end;
    if (to > from && bytes[to - 1] === carriageReturn) to--;
    if (this.#isFirst) {
      this.#isFirst = false;
      if (startsWith(bytes, from, to, byteOrderMark)) from += byteOrderMark.length;
    }
    while (from < to && bytes[from] === 0) from++;
    this.#take(bytes, from, to);
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    if (this.#isTooLong) return;
    const bytes = this.#restBytes + to - from;
    if (bytes > maxLineBytes) {
      this.#restBytes = 0;
      this.#isTooLong = true;
      this.#tooLong();
      return;
    }
    if (bytes > this.#rest.length) {
      const larger = Buffer.allocUnsafe(Math.min(maxLineBytes, 2 * bytes));
      this.#rest.copy(larger, 0, 0, this.#restBytes);
      this.#rest = larger;
    }
    chunk.copy(this.#rest, this.#restBytes, from, to);
    this.#restBytes = bytes;
  }
}
