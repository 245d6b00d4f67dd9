/**
 * What if a server that takes N requests a second had stood there: how long its queue would have
 * got, and which limits would have let everything pass. Two passes over the series in bounded
 * memory: the rates to look at depend on mean and peak.
 */
import { ms10, parseNumber, sec } from '@reto3/core';
import { envoyLimit, haproxyLimit, istioLimit, nginxLimit, traefikLimit } from './limits.ts';
import { FluidQueue, type QueueSummary } from './queue.ts';
import { answerOf, noData, type OfSeries, type Series } from './series.ts';
import { BucketDepth } from './token-bucket.ts';

/** As users write it: text, as it comes from a flag or a query string. */
export interface WhatIfRequest {
  /** Requests a second. */
  readonly capacity: string;
  /** Requests a second, separated by commas: points of the curve. */
  readonly rates?: string | undefined;
}

/** Gaps and damage are taken as if nothing came. */
export interface WhatIf extends QueueSummary, OfSeries {
  /** Requests a second. */
  readonly capacity: number;
  /** Messages a second over what was counted, and in the largest 10 ms. */
  readonly meanRate: number;
  readonly peakRate: number;
  /** Mean rate ÷ capacity. */
  readonly utilization: number;
  /** For each rate the burst (depth) of the smallest token bucket that lets everything pass. */
  readonly curve: readonly { readonly rate: number; readonly burst: number }[];
  /** Lines of configuration for the rate `capacity`. */
  readonly limits: Readonly<Record<'nginx' | 'haproxy' | 'envoy' | 'istio' | 'traefik', string[]>>;
}

const mostRate = 1e9;
const mostRates = 20;
/** Points of the curve where nobody names any, as multiples of the mean rate. */
const usualMultiples = [1.05, 1.25, 1.5, 2, 3, 5, 10];

/** @throws Reto3Error RETO3_NO_DATA, RETO3_BAD_REQUEST */
export async function whatIf(series: Series, asked: WhatIfRequest): Promise<WhatIf> {
  const capacity = Math.ceil(parseNumber('capacity', asked.capacity, 1, mostRate));
  const rates = asked.rates
    ?.split(',', mostRates)
    .map((rate) => parseNumber('rates', rate, 1, mostRate));

  let windows = 0;
  let messages = 0;
  let peak = 0;
  await series.each((_, count) => {
    windows++;
    messages += count;
    peak = Math.max(peak, count);
  });
  if (windows === 0) throw noData();
  const meanRate = (messages / windows) * (sec.windowMs / ms10.windowMs);
  const peakRate = peak * (sec.windowMs / ms10.windowMs);

  const queue = new FluidQueue(capacity);
  const buckets = ratesOf(capacity, rates ?? usualMultiples.map((times) => times * meanRate)).map(
    (rate) => new BucketDepth(rate),
  );
  await series.each((start, count) => {
    queue.add(start, count);
    for (const bucket of buckets) bucket.add(start, count);
  });

  const curve = buckets.map(({ rate, depth }) => ({ rate, burst: depth }));
  const chosen = curve.find(({ rate }) => rate === capacity);
  if (chosen === undefined) throw new Error('BUG: the capacity is a point of the curve');
  const read = { windows, messages };
  return answerOf(series, read, {
    capacity,
    meanRate,
    peakRate,
    utilization: meanRate / capacity,
    ...queue.summary(),
    curve,
    limits: {
      nginx: nginxLimit(chosen),
      haproxy: haproxyLimit(chosen),
      envoy: envoyLimit(chosen),
      istio: istioLimit(chosen),
      traefik: traefikLimit(chosen),
    },
  });
}

/** Whole rates, ascending, each once. */
function ratesOf(capacity: number, others: readonly number[]): number[] {
  const rates = new Set([capacity, ...others.map((rate) => Math.max(1, Math.ceil(rate)))]);
  return [...rates].sort((a, b) => a - b);
}
