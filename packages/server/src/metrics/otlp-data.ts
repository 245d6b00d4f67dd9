/**
 * Converts the server's metrics to OpenTelemetry: the same names, cumulative since the process
 * started. A Prometheus histogram is a set of samples with running sums; in OpenTelemetry it is a
 * single point with the number of values in each bucket.
 */
import type {
  AggregationTemporality,
  DataPoint,
  DataPointType,
  Histogram,
  MetricData,
} from '@opentelemetry/sdk-metrics';
import type { Labels, Metric } from '@reto3/core';

/** The enums of the library, which is loaded on demand. */
export interface OtlpKinds {
  readonly AggregationTemporality: typeof AggregationTemporality;
  readonly DataPointType: typeof DataPointType;
}

/** Epoch ms. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

export function otlpMetric(metric: Metric, span: Span, kinds: OtlpKinds): MetricData {
  const { AggregationTemporality: temporalities, DataPointType: types } = kinds;
  const descriptor = { name: metric.name, description: metric.help, unit: '', valueType: 1 };
  const base = { descriptor, aggregationTemporality: temporalities.CUMULATIVE };
  const points = metric.samples.map(({ labels, value }) => pointOf(span, labels, value));
  switch (metric.type) {
    case 'counter':
      return { ...base, dataPointType: types.SUM, isMonotonic: true, dataPoints: points };
    case 'gauge':
      return { ...base, dataPointType: types.GAUGE, dataPoints: points };
    case 'histogram':
      return { ...base, dataPointType: types.HISTOGRAM, dataPoints: histograms(metric, span) };
  }
}

function pointOf<T>({ startMs, endMs }: Span, labels: Labels = {}, value: T): DataPoint<T> {
  const [startTime, endTime] = [hrTime(startMs), hrTime(endMs)];
  return { startTime, endTime, attributes: { ...labels }, value };
}

/** Seconds and nanoseconds. */
function hrTime(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}

/** One point for each set of labels other than `le`. Samples of a set come in ascending order. */
function histograms({ samples }: Metric, span: Span): DataPoint<Histogram>[] {
  const found = new Map<string, { labels: Labels; atMost: [string, number][]; sum: number }>();
  for (const { suffix, labels = {}, value } of samples) {
    const { le, ...others } = labels;
    const key = JSON.stringify(others);
    const one = found.get(key) ?? { labels: others, atMost: [], sum: 0 };
    found.set(key, one);
    if (suffix === '_bucket' && le !== undefined) one.atMost.push([le, value]);
    if (suffix === '_sum') one.sum = value;
  }
  return [...found.values()].map(({ labels, atMost, sum }) => {
    const boundaries = atMost.slice(0, -1).map(([le]) => Number(le));
    const counts = atMost.map(([, count], index) => count - (atMost[index - 1]?.[1] ?? 0));
    const count = atMost.at(-1)?.[1] ?? 0;
    return pointOf(span, labels, { buckets: { boundaries, counts }, sum, count });
  });
}
