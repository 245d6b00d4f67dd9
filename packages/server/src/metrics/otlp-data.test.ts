import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics';
import { BucketHistogram, counter, gauge, histogram } from '@reto3/core';
import { expect, it } from 'vitest';
import { otlpMetric } from './otlp-data.ts';

const span = { startMs: 1_000, endMs: 61_500.25 };
const times = { startTime: [1, 0], endTime: [61, 500_250_000] };
const cumulative = { aggregationTemporality: AggregationTemporality.CUMULATIVE };
const kinds = { AggregationTemporality, DataPointType };

it('sends a counter as a monotonic sum since the start', () => {
  const metric = counter('reto3_messages_total', 'Messages.', [
    { labels: { worker: '0' }, value: 3 },
    { labels: { worker: '1' }, value: 4 },
  ]);
  expect(otlpMetric(metric, span, kinds)).toMatchObject({
    ...cumulative,
    descriptor: { name: 'reto3_messages_total', description: 'Messages.' },
    dataPointType: DataPointType.SUM,
    isMonotonic: true,
    dataPoints: [
      { ...times, attributes: { worker: '0' }, value: 3 },
      { ...times, attributes: { worker: '1' }, value: 4 },
    ],
  });
});

it('sends a gauge', () => {
  const sent = otlpMetric(gauge('reto3_ready', 'Ready.', 1), span, kinds);
  expect(sent).toMatchObject({
    dataPointType: DataPointType.GAUGE,
    dataPoints: [{ ...times, attributes: {}, value: 1 }],
  });
});

it('sends a histogram as one point for each set of labels, with counts of single buckets', () => {
  const recorded = [new BucketHistogram([1, 2]), new BucketHistogram([1, 2])];
  for (const value of [0.5, 1.5, 1.6, 9]) recorded[0]?.record(value);
  const readings = recorded.map((one, worker) => ({
    labels: { worker: String(worker) },
    reading: one.read(),
  }));
  const sent = otlpMetric(histogram('reto3_delay_seconds', 'Delay.', readings), span, kinds);
  const buckets = (counts: number[]) => ({ boundaries: [1, 2], counts });
  expect(sent).toMatchObject({ ...cumulative, dataPointType: DataPointType.HISTOGRAM });
  expect(sent.dataPoints).toEqual([
    {
      ...times,
      attributes: { worker: '0' },
      value: { buckets: buckets([1, 2, 1]), sum: 12.6, count: 4 },
    },
    {
      ...times,
      attributes: { worker: '1' },
      value: { buckets: buckets([0, 0, 0]), sum: 0, count: 0 },
    },
  ]);
});
