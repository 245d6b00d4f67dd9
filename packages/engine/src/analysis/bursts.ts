/**
 * How bursty a range was: peaks, quantiles, dispersion at three window lengths, bursts, stalls and
 * beats; with an expectation, also a verdict on the load generator.
 *
 * The first pass over the series measures what is typical, the second finds what is not, and a
 * third dates the beats if there are any. Memory is bounded. docs/bursts.md has the formulae and
 * sources.
 */
import { ms10, parseNumber, Reto3Error, sec } from '@reto3/core';
import { type Beat, BeatFinder } from './beats.ts';
import { CountQuantiles } from './quantiles.ts';
import { Scale, type ScaleSummary } from './scale.ts';
import { answerOf, type Series, type SeriesSummary } from './series.ts';
import { type Burst, BurstFinder, Largest, type Stall, StallFinder } from './stretches.ts';
import { defaultThresholds, type Thresholds } from './thresholds.ts';
import { Judge, parseExpected, type Verdict, type VerdictRequest } from './verdict.ts';

/** Thresholds as users write them: text, from a flag or a query string. */
export interface BurstsRequest extends VerdictRequest {
  /** Messages in 10 ms. */
  readonly rise?: string | undefined;
  readonly fall?: string | undefined;
  /** Milliseconds. */
  readonly stall?: string | undefined;
}

interface ListedBurst extends Burst {
  /** Its share of all messages of the range, 0 to 1. */
  readonly share: number;
}

/** Uncounted windows are left out of all numbers. */
export interface Bursts extends SeriesSummary {
  /** Quantiles of the counts of ms10 windows. */
  readonly quantiles: Quantiles;
  /** At 10 ms, 100 ms and 1 s. */
  readonly scales: readonly ScaleSummary[];
  /** Messages in 10 ms. `stallMs` is absent if there is too little traffic to tell a stall. */
  readonly thresholds: { readonly rise: number; readonly fall: number; readonly stallMs?: number };
  readonly bursts: {
    readonly count: number;
    readonly messages: number;
    /** Their share of all messages of the range, 0 to 1. */
    readonly share: number;
    /** The hundred with the most messages, in order of time. */
    readonly list: readonly ListedBurst[];
  };
  readonly stalls: {
    readonly count: number;
    readonly ms: number;
    /** The hundred longest, in order of time. */
    readonly list: readonly Stall[];
  };
  /** The strongest rhythm of the range; empty if nothing repeats. */
  readonly beats: readonly Beat[];
  /** Whether the traffic is as expected; absent without an expectation. */
  readonly verdict?: Verdict;
}

interface Quantiles {
  readonly p50: number;
  readonly p75: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
}

/** The shares of the quantiles p50 to p999. */
const shares = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999] as const;
const scalesMs = [ms10.windowMs, 100, sec.windowMs] as const;
const mostListed = 100;
const mostCount = 1e9;
/** An hour: a longer silence is a quiet night. */
const longestStallMs = 3_600_000;

/** @throws Reto3Error RETO3_NO_DATA, RETO3_BAD_REQUEST */
export async function findBursts(series: Series, asked: BurstsRequest): Promise<Bursts> {
  const given = parseRequest(asked);
  const expected = parseExpected(asked);
  const judge = expected && new Judge(expected, newScales());
  const { windows, messages, quantiles, scales } = await measure(series, judge);

  const usual = defaultThresholds(windows, quantiles.p50, messages / windows);
  const thresholds = withDefaults(given, usual);
  const beatFinder = new BeatFinder(series, quantiles.p50, usual.rise);
  const { bursts, stalls } = await findStretches(series, thresholds, beatFinder);

  const shareOf = (part: number): number => (messages === 0 ? 0 : part / messages);
  const { rise, fall, stallWindows } = thresholds;
  const stallMs = stallWindows * ms10.windowMs;
  const read = { windows, messages };
  return answerOf(series, read, {
    quantiles,
    scales: scales.map((scale) => scale.summary()),
    thresholds: { rise, fall, ...(Number.isFinite(stallMs) && { stallMs }) },
    bursts: {
      count: bursts.count,
      messages: bursts.size,
      share: shareOf(bursts.size),
      list: bursts.list.map((burst) => ({ ...burst, share: shareOf(burst.total) })),
    },
    stalls: { count: stalls.count, ms: stalls.ms, list: stalls.list },
    beats: await beatFinder.end(),
    ...(judge && { verdict: judge.verdict() }),
  });
}

/** The first pass. @throws Reto3Error RETO3_NO_DATA */
async function measure(series: Series, judge: Judge | undefined) {
  const counts = new CountQuantiles();
  const scales = newScales();
  let windows = 0;
  let messages = 0;
  await series.each((start, count) => {
    windows++;
    messages += count;
    counts.add(count);
    for (const scale of scales) scale.add(start, count);
    judge?.add(start, count);
  });
  if (windows === 0) throw series.noData();
  const [p50, p75, p90, p95, p99, p999] = counts.at(shares);
  return { windows, messages, quantiles: { p50, p75, p90, p95, p99, p999 }, scales };
}

/** The second pass, which also feeds the finder of beats. */
async function findStretches(series: Series, thresholds: Thresholds, beatFinder: BeatFinder) {
  const { rise, fall, stallWindows } = thresholds;
  const bursts = new Largest<Burst>(mostListed, ({ total }) => total);
  const stalls = new Largest<Stall>(mostListed, ({ from, to }) => to - from);
  const burstFinder = new BurstFinder(rise, fall, (burst) => bursts.add(burst));
  const stallFinder = new StallFinder(stallWindows, (stall) => stalls.add(stall));
  await series.each((start, count) => {
    burstFinder.add(start, count);
    stallFinder.add(start, count);
    beatFinder.add(start, count);
  });
  burstFinder.end();
  return { bursts, stalls };
}

function newScales(): Scale[] {
  return scalesMs.map((windowMs) => new Scale(windowMs));
}

type Given = { readonly [name in keyof Thresholds]: number | undefined };

function parseRequest({ rise, fall, stall }: BurstsRequest): Given {
  const number = (name: string, text: string | undefined, least: number, most: number) =>
    text === undefined ? undefined : parseNumber(name, text, least, most);
  const stallMs = number('stall', stall, ms10.windowMs, longestStallMs);
  return {
    rise: number('rise', rise, 1, mostCount),
    fall: number('fall', fall, 0, mostCount),
    stallWindows: stallMs === undefined ? undefined : Math.ceil(stallMs / ms10.windowMs),
  };
}

function withDefaults(given: Given, fallback: Thresholds): Thresholds {
  const rise = given.rise ?? fallback.rise;
  const fall = given.fall ?? Math.min(rise, fallback.fall);
  if (fall > rise) {
    throw new Reto3Error('RETO3_BAD_REQUEST', `got fall ${fall} above rise ${rise}`, {
      hint: 'a burst begins at rise and ends below fall, so fall is at most rise',
    });
  }
  return { rise, fall, stallWindows: given.stallWindows ?? fallback.stallWindows };
}
