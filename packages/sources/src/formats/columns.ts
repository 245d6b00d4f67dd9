/**
 * Cuts a line into fields at a delimiter, without making strings.
 *
 * - `none`: every delimiter cuts.
 * - `csv`: a field that begins with a quote ends with a lone one; two in it stand for one (RFC 4180).
 * - `w3c`: the same, a quote behind a backslash does not end a field either, and several delimiters
 *   in a row cut once.
 */
import { backslash, isText, quote } from '../bytes.ts';
import { type Part, type PartNames, parts, type Request, setPart } from '../request.ts';

const maxColumns = 512;

export interface DescribedColumn {
  readonly part: Part;
  readonly column: number;
}

/** Which column holds each part of a request, according to a header. */
export function describedColumns(
  header: readonly string[],
  names: PartNames,
): readonly DescribedColumn[] {
  return parts.flatMap((part) => {
    const name = names[part]?.find((each) => header.includes(each));
    return name === undefined ? [] : [{ part, column: header.indexOf(name) }];
  });
}

export class Columns {
  readonly #delimiter: number;
  readonly #quoting: 'none' | 'csv' | 'w3c';
  readonly #from = new Int32Array(maxColumns);
  readonly #to = new Int32Array(maxColumns);
  readonly #quoted = new Uint8Array(maxColumns);
  /** How many fields the line has. */
  count = 0;
  /** The last field has a quote that this line does not close. */
  isOpen = false;

  constructor(delimiter: string, quoting: 'none' | 'csv' | 'w3c') {
    this.#delimiter = delimiter.charCodeAt(0);
    this.#quoting = quoting;
  }

  from(column: number): number {
    return this.#from[column] ?? 0;
  }

  to(column: number): number {
    return this.#to[column] ?? 0;
  }

  isQuoted(column: number): boolean {
    return this.#quoted[column] === 1;
  }

  /** Passes a field to `take`; false if the line has no such field. */
  read(column: number, take: (from: number, to: number) => boolean): boolean {
    return column >= 0 && column < this.count && take(this.from(column), this.to(column));
  }

  /** Fills in a request from these columns. */
  describe(bytes: Uint8Array, described: readonly DescribedColumn[], request: Request): void {
    for (const { part, column } of described)
      if (column < this.count) setPart(request, part, bytes, this.from(column), this.to(column));
  }

  is(column: number, bytes: Uint8Array, text: Uint8Array): boolean {
    return column < this.count && isText(bytes, this.from(column), this.to(column), text);
  }

  /** @returns how many fields there are */
  split(bytes: Uint8Array, from: number, to: number): number {
    const delimiter = this.#delimiter;
    const isW3c = this.#quoting === 'w3c';
    let count = 0;
    let at = from;
    this.isOpen = false;
    while (at <= to && count < maxColumns) {
      if (isW3c) {
        while (at < to && bytes[at] === delimiter) at++;
        if (at === to) break;
      }
      const isQuoted = this.#quoting !== 'none' && at < to && bytes[at] === quote;
      let end = isQuoted ? this.#closingQuote(bytes, at + 1, to) : at;
      while (end < to && bytes[end] !== delimiter) end++;
      const isClosed = isQuoted && end > at + 1 && bytes[end - 1] === quote && !this.isOpen;
      this.#from[count] = isQuoted ? at + 1 : at;
      this.#to[count] = isClosed ? end - 1 : end;
      this.#quoted[count] = isQuoted ? 1 : 0;
      count++;
      at = end + 1;
    }
    this.count = count;
    return count;
  }

  #closingQuote(bytes: Uint8Array, from: number, to: number): number {
    const isW3c = this.#quoting === 'w3c';
    for (let at = from; at < to; at++) {
      if (isW3c && bytes[at] === backslash) at++;
      else if (bytes[at] === quote) {
        if (bytes[at + 1] !== quote || at + 1 >= to) return at;
        at++;
      }
    }
    this.isOpen = true;
    return to;
  }
}
