/**
 * Metrics as Prometheus' text format. The only file that imports prom-client, and of it only what
 * writes the format: the whole library would load OpenTelemetry too, 12 MB instead of 0.4, and keep
 * its own copies of counters that we have already.
 */
import type { Metric } from '@reto3/core';

export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

export async function expose(metrics: readonly Metric[]): Promise<Exposition> {
  // Loaded with the first scrape.
  const { default: Registry } = await import('prom-client/lib/registry.js');
  const registry = new Registry();
  for (const { name, help, type, samples } of metrics) {
    const values = samples.map(({ suffix = '', labels = {}, value }) => ({
      metricName: name + suffix,
      labels,
      value,
    }));
    registry.registerMetric({ name, get: async () => ({ name, help, type, values }) });
  }
  return { contentType: registry.contentType, text: await registry.metrics() };
}
