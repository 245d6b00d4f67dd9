/**
 * A histogram with fixed buckets. It takes a few hundred bytes, and recording a value is one
 * addition. Reading does not reset it, so any number of readers may share it.
 */

/** A histogram in the form of Prometheus: cumulative since the start. */
export interface HistogramReading {
  /** Upper bounds of the buckets, inclusive, ascending; the bucket up to +Inf is not listed. */
  readonly bounds: readonly number[];
  /** The number of values up to each bound. */
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

  /** Records a value, at least 0, `times` times. */
  record(value: number, times = 1): void {
    let bucket = 0;
    while (value > (this.bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + times;
    this.#sum += value * times;
    if (times > 0 && value > this.#max) this.#max = value;
  }

  /** The largest value; 0 if there is none. */
  get max(): number {
    return this.#max;
  }

  get count(): number {
    let count = 0;
    for (const inBucket of this.#counts) count += inBucket;
    return count;
  }

  /**
   * An upper bound of the quantile `q` (0 to 1): the bound of its bucket, or the largest value if
   * that is less. 0 if there are no values.
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

  /** @param unit the factor from recorded to returned values, such as 0.001 from ms to seconds */
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

/** Prometheus compares bounds as text, so round off the noise: 0.035, not 0.035000000000000003. */
function inUnit(bound: number, unit: number): number {
  return Number((bound * unit).toPrecision(12));
}
