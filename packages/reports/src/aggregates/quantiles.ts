/**
 * Percentiles in bounded memory: a histogram whose buckets grow with the value, so that percentiles
 * have a bounded relative error (HdrHistogram, by G. Tene). Merging adds up buckets, which adds no
 * error.
 */
import type { VarintReader, VarintWriter } from '@reto3/core';
import hdr from 'hdr-histogram-js';
import type { Column } from '../columns.ts';
import type { Aggregate, ValueOf } from './aggregate.ts';
import {
  assertResolution,
  multiplesOf,
  type SumOptions,
  scaled,
  typeOfMultiples,
} from './numbers.ts';

export interface QuantilesOptions extends SumOptions {
  /** The percentiles, 0 to 100; by default 50, 90 and 99. */
  readonly percentiles?: readonly number[];
  /** Significant digits: 1 is an error of 10 %, 2 (the default) of 1 %, 3 of 0.1 %. */
  readonly digits?: 1 | 2 | 3;
}

type Histogram = hdr.Float64Histogram;

/**
 * Percentiles of the values, with the columns `p50`, `p90` and `p99` by default; null without
 * values. Values are rounded to multiples of `resolution`.
 * @throws TypeError for a resolution that is not above 0, or a percentile that is not from 0 to 100;
 * `add` throws RangeError for a value that is negative or not finite
 */
export function quantiles(
  value: ValueOf<number>,
  options: QuantilesOptions = {},
): Aggregate<Histogram> {
  const { percentiles = [50, 90, 99], resolution = 1, digits = 2 } = options;
  const { description, unit } = options;
  assertResolution(resolution);
  const wrong = percentiles.find((percentile) => !(percentile >= 0 && percentile <= 100));
  if (wrong !== undefined) throw new TypeError(`got the percentile ${wrong}, want 0 to 100`);
  const suffixOf = (percentile: number): string => `p${String(percentile).replace('.', '_')}`;
  const columnOf = (percentile: number): Column => ({
    type: typeOfMultiples(resolution),
    ...(unit && { unit }),
    description: description
      ? `${description}, ${suffixOf(percentile)}`
      : `percentile ${percentile}`,
  });
  // Counts are floats, since those of months exceed 32 bits.
  const create = (): Histogram => {
    const histogram = new hdr.Float64Histogram(1, 2, digits);
    histogram.autoResize = true;
    return histogram;
  };
  return {
    columns: Object.fromEntries(percentiles.map((each) => [suffixOf(each), columnOf(each)])),
    source: `quantiles ${digits} ${resolution} ${value}`,
    create,
    add(histogram, message) {
      const given = value(message);
      if (given === undefined) return histogram;
      const multiples = multiplesOf(given, resolution);
      if (multiples < 0) throw new RangeError(`got the value ${given}, want at least 0`);
      histogram.recordValue(multiples);
      return histogram;
    },
    merge(histogram, other) {
      histogram.add(other);
      return histogram;
    },
    cells: (histogram) =>
      Object.fromEntries(
        percentiles.map((percentile) => [
          suffixOf(percentile),
          histogram.totalCount === 0
            ? null
            : scaled(histogram.getValueAtPercentile(percentile), resolution),
        ]),
      ),
    write: writeHistogram,
    read: (reader) => readHistogram(reader, create()),
  };
}

/**
 * Writes the number of filled buckets, then for each the distance from the previous one and its
 * count.
 */
function writeHistogram(histogram: Histogram, writer: VarintWriter): void {
  const filled: number[] = [];
  for (let index = 0; index < histogram.countsArrayLength; index++)
    if (histogram.getCountAtIndex(index) > 0) filled.push(index);
  writer.number(filled.length);
  let before = 0;
  for (const index of filled) {
    writer.number(index - before).number(histogram.getCountAtIndex(index));
    before = index;
  }
}

/** Fills an empty histogram and returns it. */
function readHistogram(reader: VarintReader, histogram: Histogram): Histogram {
  let index = 0;
  for (let filled = reader.number(); filled > 0; filled--) {
    index += reader.number();
    histogram.recordValueWithCount(histogram.valueFromIndex(index), reader.number());
  }
  return histogram;
}
