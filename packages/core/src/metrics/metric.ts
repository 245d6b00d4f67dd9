/**
 * Metrics and their registry. A part of the server registers a source: a function that returns its
 * metrics when /metrics is scraped. Scraping changes nothing, so any number of Prometheus servers
 * may scrape.
 *
 * Names follow Prometheus' conventions (prometheus.io/docs/practices/naming): the prefix reto3_,
 * base units (seconds, bytes), and _total at the end of counters. `promtool check metrics` verifies
 * them.
 */
import type { HistogramReading } from './bucket-histogram.ts';

/**
 * Such as `{ worker: '0' }`. Keep the number of values small: every combination is a time series.
 */
export type Labels = Readonly<Record<string, string>>;

export interface Metric {
  readonly name: string;
  /** One sentence: what is measured, and since when or over which time. */
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: readonly Sample[];
}

interface Sample {
  /** Appended to the name of the metric, such as `_bucket`. */
  readonly suffix?: string;
  readonly labels?: Labels;
  readonly value: number;
}

export type MetricSource = () => readonly Metric[] | Promise<readonly Metric[]>;

type Values = number | readonly Sample[];

/** A number that only grows while the process runs; its name ends in `_total`. */
export function counter(name: string, help: string, values: Values): Metric {
  return { name, help, type: 'counter', samples: samplesOf(values) };
}

/** A number that goes up and down. */
export function gauge(name: string, help: string, values: Values): Metric {
  return { name, help, type: 'gauge', samples: samplesOf(values) };
}

export function histogram(
  name: string,
  help: string,
  readings: readonly { readonly labels?: Labels; readonly reading: HistogramReading }[],
): Metric {
  return { name, help, type: 'histogram', samples: readings.flatMap(histogramSamples) };
}

function samplesOf(values: Values): readonly Sample[] {
  return typeof values === 'number' ? [{ value: values }] : values;
}

function histogramSamples(of: {
  readonly labels?: Labels;
  readonly reading: HistogramReading;
}): Sample[] {
  const { labels = {}, reading } = of;
  const { bounds, atMost, count, sum } = reading;
  const bucket = (le: string, value: number): Sample => ({
    suffix: '_bucket',
    labels: { ...labels, le },
    value,
  });
  return [
    ...bounds.map((bound, index) => bucket(String(bound), atMost[index] ?? 0)),
    bucket('+Inf', count),
    { suffix: '_sum', labels, value: sum },
    { suffix: '_count', labels, value: count },
  ];
}

export class Metrics {
  readonly #sources: MetricSource[] = [];

  add(source: MetricSource): void {
    this.#sources.push(source);
  }

  /** Collects from all sources. A source that fails is left out and counted. */
  async collect(): Promise<readonly Metric[]> {
    const answers = await Promise.allSettled(this.#sources.map(async (source) => source()));
    const failing = answers.filter(({ status }) => status === 'rejected').length;
    return [
      ...answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : [])),
      gauge(
        'reto3_metric_sources_failing',
        'Metric sources that failed in this scrape; their metrics are missing.',
        failing,
      ),
    ];
  }
}
