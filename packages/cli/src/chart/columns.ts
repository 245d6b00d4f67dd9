/**
 * Gathers any number of windows into the columns of a chart, in memory for a few thousand numbers.
 * A column has the highest count of its windows, so that a small chart hides no burst; a column
 * without a counted window is a gap. A column with a partial window is marked, because its count
 * may be too low.
 */

/** More than the columns of any terminal, so that the last merge costs little resolution. */
const maxBuckets = 4_096;

/** What a chart draws. */
export interface Columns {
  /** Start of the first column, epoch ms. */
  readonly start: number;
  /** Windows per column. */
  readonly windowsEach: number;
  /** The highest count of each column; NaN for a gap. */
  readonly highest: readonly number[];
  /** The columns with a partial window. */
  readonly partial: ReadonlySet<number>;
}

/** Takes windows in order of start. */
export class ColumnGatherer {
  readonly #windowMs: number;
  #start: number | undefined;
  #windowsEach = 1;
  #buckets: number[] = [];
  #highest = 0;
  /** The buckets with a partial window. */
  #partial = new Set<number>();

  /** @param windowMs length of a window in milliseconds */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** The highest count so far. */
  get highest(): number {
    return this.#highest;
  }

  /** @param start of a window that was counted, fully or in part, epoch ms */
  add(start: number, count: number, partial = false): void {
    this.#start ??= start;
    this.#highest = Math.max(this.#highest, count);
    const window = Math.round((start - this.#start) / this.#windowMs);
    while (window >= maxBuckets * this.#windowsEach) {
      this.#buckets = merged(this.#buckets, 2);
      this.#partial = indexesMerged(this.#partial, 2);
      this.#windowsEach *= 2;
    }
    const bucket = Math.floor(window / this.#windowsEach);
    while (this.#buckets.length <= bucket) this.#buckets.push(Number.NaN);
    this.#buckets[bucket] = higher(this.#buckets[bucket], count);
    if (partial) this.#partial.add(bucket);
  }

  /** Returns up to `max` columns; undefined if nothing was counted. */
  columns(max: number): Columns | undefined {
    if (this.#start === undefined) return undefined;
    const each = Math.ceil(this.#buckets.length / max);
    return {
      start: this.#start,
      windowsEach: this.#windowsEach * each,
      highest: merged(this.#buckets, each),
      partial: indexesMerged(this.#partial, each),
    };
  }
}

function merged(buckets: readonly number[], each: number): number[] {
  const columns = new Array<number>(Math.ceil(buckets.length / each)).fill(Number.NaN);
  for (const [index, count] of buckets.entries()) {
    const column = Math.floor(index / each);
    columns[column] = higher(columns[column], count);
  }
  return columns;
}

function indexesMerged(indexes: ReadonlySet<number>, each: number): Set<number> {
  return new Set([...indexes].map((index) => Math.floor(index / each)));
}

/** The higher of two counts, each of which may be a gap. */
function higher(a: number | undefined, b: number): number {
  return a === undefined || Number.isNaN(a) ? b : a < b ? b : a;
}
