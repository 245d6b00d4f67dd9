/**
 * How long messages were on their way: arrival less the time stamp that they carry, to the
 * millisecond, in a histogram of 0.1 % resolution (HdrHistogram). A message that arrives before its
 * own time shows that two clocks differ; it is counted as ahead and in no percentile. The only file
 * that imports hdr-histogram-js.
 */

import { VarintReader, VarintWriter } from '@reto3/core';
import hdr from 'hdr-histogram-js';
import { defineReport } from '../contract.ts';
import { generatedAt } from './generated-at.ts';

/** Longer lags are in the percentiles as a day; `max` is exact. */
const longestMs = 86_400_000;
const significantDigits = 3;
const bucketBits = 32;

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
  summary: 'How long messages took from the time stamp they carry to their arrival, in ms',
  needs: 'body',
  periods: ['sec', 'min'],
  columns: {
    messages: 'messages with a time stamp that is not after their arrival',
    p50: 'half of them took at most so many ms',
    p90: 'nine in ten took at most so many ms',
    p99: '99 in a hundred took at most so many ms',
    max: 'the longest took so many ms',
    ahead: 'messages that came before their own time: clock skew',
    skew: 'the most that one of them was ahead, in ms',
    untimed: 'messages that name no time',
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
    // A bucket's upper end may lie above the longest that there was.
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
