/**
 * A histogram with fixed buckets: how many values were at most each bound. One number to add for a
 * value, a few hundred bytes, and any number of readers, since nobody resets it.
 */

/** What a histogram holds, in the form that Prometheus keeps: everything since the start. */
export interface HistogramReading {
  /** Upper bounds of the buckets, inclusive, ascending; above the last there is one more. */
  readonly bounds: readonly number[];
  /** How many values were at most each bound. */
  readonly atMost: readonly number[];
  readonly count: number;
  readonly sum: number;
}

export class BucketHistogram {
  readonly bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;
  #max = 0;

  /** @param bounds upper bounds, inclusive, ascending */
  constructor(bounds: readonly number[]) {
    if (bounds.some((bound, index) => index > 0 && bound <= (bounds[index - 1] ?? 0)))
      throw new TypeError('bounds must ascend');
    this.bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** Takes a value, 0 or more, that came so many times. */
  record(value: number, times = 1): void {
    let bucket = 0;
    while (value > (this.bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + times;
    this.#sum += value * times;
    if (times > 0 && value > this.#max) this.#max = value;
  }

  /** The largest value; 0 where there is none. */
  get max(): number {
    return this.#max;
  }

  get count(): number {
    let count = 0;
    for (const inBucket of this.#counts) count += inBucket;
    return count;
  }

  /**
   * A value that the share `q` (0 to 1) of all values does not exceed: the bound of the bucket that
   * the quantile is in, or the largest value where that is less. 0 where there is none.
   */
  quantile(q: number): number {
    const wanted = q * this.count;
    let atMost = 0;
    for (const [bucket, bound] of this.bounds.entries()) {
      atMost += this.#counts[bucket] ?? 0;
      if (atMost >= wanted) return Math.min(bound, this.#max);
    }
    return this.#max;
  }

  /** @param unit what one of the histogram's values is in the reading's, such as 0.001 s a ms */
  read(unit = 1): HistogramReading {
    let count = 0;
    const atMost = this.bounds.map((_, bucket) => (count += this.#counts[bucket] ?? 0));
    return {
      bounds: this.bounds.map((bound) => inUnit(bound, unit)),
      atMost,
      count: this.count,
      sum: this.#sum * unit,
    };
  }
}

/** Bounds are labels, that others match as text: 0.035 and not 0.035000000000000003. */
function inUnit(bound: number, unit: number): number {
  return Number((bound * unit).toPrecision(12));
}
