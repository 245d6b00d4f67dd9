/**
 * The report `lag`: the arrival of messages minus their time stamp, in ms, as a histogram with a
 * resolution of 0.1 % (HdrHistogram). A message that arrives before its stamp shows clock skew; it
 * counts as `ahead` and is in no percentile.
 */

import { VarintReader, VarintWriter } from '@reto3/core';
import hdr from 'hdr-histogram-js';
import { whole } from '../columns.ts';
import { defineReport } from '../define-report.ts';
import { generatedAt } from './generated-at.ts';

/** The percentiles count longer lags as a day; `max` is exact. */
const longestMs = 86_400_000;
const significantDigits = 3;
/** Counts are floats, exact up to 2⁵³, since those of months exceed 32 bits. */
const bucketBits = 64;

interface Lag {
  /** Lags from 0 up, in ms. */
  readonly histogram: hdr.Histogram;
  maxMs: number;
  ahead: number;
  aheadMs: number;
  untimed: number;
}

export const lag = defineReport({
  name: 'lag',
  summary: 'Time from the stamp that messages carry to their arrival, in ms',
  needs: 'body',
  periods: ['sec', 'min'],
  columns: {
    messages: whole('messages with a time stamp up to their arrival'),
    p50: whole('median lag', 'ms'),
    p90: whole('90th percentile of the lag', 'ms'),
    p99: whole('99th percentile of the lag', 'ms'),
    max: whole('the longest lag', 'ms'),
    ahead: whole('messages that arrived before their stamp: clock skew'),
    skew: whole('the longest that one of them was ahead', 'ms'),
    untimed: whole('messages without a time stamp'),
  },
  create: (): Lag => ({
    histogram: hdr.build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: longestMs,
      numberOfSignificantValueDigits: significantDigits,
      bitBucketSize: bucketBits,
      useWebAssembly: false,
    }),
    maxMs: 0,
    ahead: 0,
    aheadMs: 0,
    untimed: 0,
  }),
  add(sum, message) {
    const time = generatedAt(message);
    if (time === undefined) {
      sum.untimed++;
      return;
    }
    const lagMs = message.arrivedMs - time;
    if (lagMs < 0) {
      sum.ahead++;
      sum.aheadMs = Math.max(sum.aheadMs, -lagMs);
      return;
    }
    sum.histogram.recordValue(Math.min(lagMs, longestMs));
    sum.maxMs = Math.max(sum.maxMs, lagMs);
  },
  merge(sum, other) {
    sum.histogram.add(other.histogram);
    sum.maxMs = Math.max(sum.maxMs, other.maxMs);
    sum.ahead += other.ahead;
    sum.aheadMs = Math.max(sum.aheadMs, other.aheadMs);
    sum.untimed += other.untimed;
    return sum;
  },
  rows({ histogram, maxMs, ahead, aheadMs, untimed }) {
    const messages = histogram.totalCount;
    // The upper bound of a bucket may exceed the largest lag.
    const at = (percentile: number): number | null =>
      messages === 0 ? null : Math.min(histogram.getValueAtPercentile(percentile), maxMs);
    const max = messages === 0 ? null : maxMs;
    const skew = ahead === 0 ? null : aheadMs;
    return [{ messages, p50: at(50), p90: at(90), p99: at(99), max, ahead, skew, untimed }];
  },
  encode({ histogram, maxMs, ahead, aheadMs, untimed }) {
    const compressed = Buffer.from(hdr.encodeIntoCompressedBase64(histogram), 'base64');
    const writer = new VarintWriter().number(maxMs).number(ahead).number(aheadMs);
    return writer.number(untimed).bytes(compressed).end();
  },
  decode(bytes) {
    const reader = new VarintReader(bytes);
    const [maxMs, ahead, aheadMs] = [reader.number(), reader.number(), reader.number()];
    const untimed = reader.number();
    const compressed = Buffer.from(reader.bytes()).toString('base64');
    const histogram = hdr.decodeFromCompressedBase64(compressed, bucketBits, false);
    return { histogram, maxMs, ahead, aheadMs, untimed };
  },
});
