/**
 * What if a server of a given capacity had taken this traffic: how long its queue would have
 * become, and which rate limits would have passed everything. Two passes over the series, in
 * bounded memory: the first measures the mean rate, on which the default rates of the second
 * depend.
 */
import { ms10, parseNumber, Reto3Error, sec } from '@reto3/core';
import { type Limits, limitsOf } from './limits.ts';
import { FluidQueue, type QueueSummary } from './queue.ts';
import { answerOf, type Series, type SeriesSummary } from './series.ts';
import { BucketDepth } from './token-bucket.ts';

/** The request as users write it: text, from a flag or a query string. */
export interface WhatIfRequest {
  /** Requests per second. */
  readonly capacity: string;
  /** The rates of the curve: requests per second, separated by commas. */
  readonly rates?: string | undefined;
}

/** Uncounted windows count as empty. */
export interface WhatIf extends QueueSummary, SeriesSummary {
  /** Requests per second, a whole number. */
  readonly capacity: number;
  /** Messages per second, over all counted windows and in the largest one. */
  readonly meanRate: number;
  readonly peakRate: number;
  /** Mean rate ÷ capacity. */
  readonly utilization: number;
  /** For each rate, ascending, the depth of the smallest token bucket that passes everything. */
  readonly curve: readonly { readonly rate: number; readonly burst: number }[];
  /** Lines of configuration that limit to the rate `capacity`. */
  readonly limits: Limits;
}

const mostRate = 1e9;
const mostRates = 20;
/** The default rates of the curve, as multiples of the mean rate. */
const usualMultiples = [1.05, 1.25, 1.5, 2, 3, 5, 10];

/** @throws Reto3Error RETO3_NO_DATA, RETO3_BAD_REQUEST */
export async function whatIf(series: Series, asked: WhatIfRequest): Promise<WhatIf> {
  const capacity = Math.ceil(parseNumber('capacity', asked.capacity, 1, mostRate));
  const rates = parseRates(asked.rates);

  let windows = 0;
  let messages = 0;
  let peak = 0;
  await series.each((_, count) => {
    windows++;
    messages += count;
    peak = Math.max(peak, count);
  });
  if (windows === 0) throw series.noData();
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
    limits: limitsOf(chosen),
  });
}

/** @throws Reto3Error RETO3_BAD_REQUEST */
function parseRates(text: string | undefined): number[] | undefined {
  const rates = text?.split(',');
  if (rates !== undefined && rates.length > mostRates)
    throw new Reto3Error(
      'RETO3_BAD_REQUEST',
      `got ${rates.length} rates, want at most ${mostRates}`,
      {
        hint: 'leave some of them out',
      },
    );
  return rates?.map((rate) => parseNumber('rates', rate, 1, mostRate));
}

/** Whole rates, ascending, without duplicates. */
function ratesOf(capacity: number, others: readonly number[]): number[] {
  const rates = new Set([capacity, ...others.map((rate) => Math.max(1, Math.ceil(rate)))]);
  return [...rates].sort((a, b) => a - b);
}
