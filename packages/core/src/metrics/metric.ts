/**
 * What a server measures, and the one place to hang more of it into: a part of the server adds a
 * source, a function that says what it knows at the moment of the call. Nothing is kept here, and
 * nobody who reads changes anything, so any number of Prometheus servers may scrape.
 *
 * Names and units by Prometheus' conventions (prometheus.io/docs/practices/naming): reto3_, base
 * units (seconds, bytes), counters end in _total. `promtool check metrics` holds them to it.
 */
import type { HistogramReading } from './bucket-histogram.ts';

/** Such as `{ worker: '0' }`: few values each, for every one of them is a series. */
export type Labels = Readonly<Record<string, string>>;

export interface Metric {
  readonly name: string;
  /** One sentence: what is counted, and since when or over what. */
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: readonly Sample[];
}

interface Sample {
  /** Added to the name of the metric, such as `_bucket`. */
  readonly suffix?: string;
  readonly labels?: Labels;
  readonly value: number;
}

export type MetricSource = () => readonly Metric[] | Promise<readonly Metric[]>;

type Values = number | readonly Sample[];

/** A number that only grows, from the start of the process; its name ends in `_total`. */
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

  /** From now on every scrape asks this source too. */
  add(source: MetricSource): void {
    this.#sources.push(source);
  }

  /** What all sources say now. One that fails is left out, and counted. */
  async collect(): Promise<readonly Metric[]> {
    const answers = await Promise.allSettled(this.#sources.map(async (source) => source()));
    const failing = answers.filter(({ status }) => status === 'rejected').length;
    return [
      ...answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : [])),
      gauge(
        'reto3_metric_sources_failing',
        'Parts of the server whose metrics are missing from this answer.',
        failing,
      ),
    ];
  }
}
