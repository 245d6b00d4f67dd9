/**
 * Result files of load generators: a header names the columns, then one request a line.
 *
 *     header = name *(delimiter name)
 *     line   = field *(delimiter field)          CSV quoting, RFC 4180
 *
 * A field may span lines, which are then skipped as parts of it. A line with all columns and a time
 * in its place is a line of its own even there, so a stray quote costs no further lines.
 */
import { quote } from '../bytes.ts';
import type { LineParser, ParserOptions, Reason, Stamp } from '../format.ts';
import type { PartNames, Request } from '../request.ts';
import { type UnitDigits, unitDigits } from '../time/instant.ts';
import { Columns, type DescribedColumn, describedColumns } from './columns.ts';

export interface DelimitedSpec {
  /** The first that splits the header is used. */
  readonly delimiters: readonly string[];
  /** Columns that make a line a header of this format. */
  readonly required: readonly string[];
  readonly time: string;
  readonly duration?: string;
  readonly durationUnit?: UnitDigits;
  /** Columns of files without a header. */
  readonly usual?: readonly string[];
  /** Which of them describe the request. */
  readonly request: PartNames;
  /** Reads a time; by default a number of seconds. */
  readonly readTime?: ReadTime;
  /** Why a line with a time is not a message. */
  readonly refuse?: (
    bytes: Uint8Array,
    columns: Columns,
    indexOf: ColumnIndex,
  ) => Reason | undefined;
}

const longestHeader = 4_096;

type ReadTime = (
  bytes: Uint8Array,
  from: number,
  to: number,
  stamp: Stamp,
  options: ParserOptions,
) => boolean;

/** The index of a column by its name, or -1. */
export type ColumnIndex = (name: string) => number;

export class DelimitedParser implements LineParser {
  readonly #spec: DelimitedSpec;
  readonly #options: ParserOptions;
  #columns: Columns | undefined;
  #names: readonly string[] = [];
  #time = -1;
  #duration = -1;
  #isOpen = false;
  #described: readonly DescribedColumn[] = [];
  readonly #indexOf: ColumnIndex = (name) => this.#names.indexOf(name);

  constructor(spec: DelimitedSpec, options: ParserOptions) {
    this.#spec = spec;
    this.#options = options;
    const [delimiter] = spec.delimiters;
    if (spec.usual !== undefined && delimiter !== undefined)
      this.#use(new Columns(delimiter, 'csv'), spec.usual);
  }

  parse(bytes: Uint8Array, from: number, to: number, stamp: Stamp): Reason | undefined {
    const columns = this.#columns;
    const count = columns?.split(bytes, from, to) ?? 0;
    const readTime = this.#spec.readTime ?? readSeconds;
    const hasTime =
      columns?.read(this.#time, (begin, end) =>
        readTime(bytes, begin, end, stamp, this.#options),
      ) === true;
    if (!hasTime && this.#takeHeader(bytes, from, to)) return 'a header or comment';
    if (columns === undefined) return 'no header above it';
    if (this.#isOpen && !(hasTime && count >= this.#names.length)) {
      if (hasOddQuotes(bytes, from, to)) this.#isOpen = false;
      return 'part of a longer line';
    }
    this.#isOpen = hasTime && columns.isOpen;
    if (!hasTime) return 'no time that can be read';
    const refused = this.#spec.refuse?.(bytes, columns, this.#indexOf);
    if (refused !== undefined) return refused;
    const unit = this.#spec.durationUnit ?? unitDigits.s;
    stamp.hasDuration = columns.read(this.#duration, (begin, end) =>
      stamp.duration.readDecimal(bytes, begin, end, unit),
    );
    return undefined;
  }

  describe(bytes: Uint8Array, _from: number, _to: number, request: Request): void {
    this.#columns?.describe(bytes, this.#described, request);
  }

  /** Takes the columns from a line that names all required ones. */
  #takeHeader(bytes: Uint8Array, from: number, to: number): boolean {
    if (to - from > longestHeader) return false;
    const [first = ''] = this.#spec.required;
    const text = Buffer.from(bytes.subarray(from, to)).toString('latin1');
    if (!text.includes(first)) return false;
    for (const delimiter of this.#spec.delimiters) {
      const names = text.split(delimiter).map((name) => name.trim().replace(/^"(.*)"$/, '$1'));
      if (!this.#spec.required.every((name) => names.includes(name))) continue;
      this.#use(new Columns(delimiter, 'csv'), names);
      return true;
    }
    return false;
  }

  #use(columns: Columns, names: readonly string[]): void {
    this.#columns = columns;
    this.#names = names;
    this.#described = describedColumns(names, this.#spec.request);
    this.#time = this.#indexOf(this.#spec.time);
    this.#duration = this.#indexOf(this.#spec.duration ?? '');
  }
}

const readSeconds: ReadTime = (bytes, from, to, { time }) =>
  time.readDecimal(bytes, from, to, unitDigits.s);

/** A time in seconds since the start of the run, which `--start` names. */
export const readRelativeSeconds: ReadTime = (bytes, from, to, { time }, { startMs }) => {
  if (startMs === undefined || !time.readDecimal(bytes, from, to, unitDigits.s)) return false;
  time.ms += startMs;
  return true;
};

function hasOddQuotes(bytes: Uint8Array, from: number, to: number): boolean {
  let quotes = 0;
  for (let at = from; at < to; at++) if (bytes[at] === quote) quotes++;
  return quotes % 2 === 1;
}
