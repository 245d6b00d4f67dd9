/** /v1/bursts and /v1/whatif: analyses of the 10 ms windows of a range. docs/bursts.md has the formulae. */

import {
  array,
  count,
  damageFields,
  epochMs,
  flag,
  logMoment,
  number,
  object,
  rangeFields,
  scopeFields,
  text,
} from './parts.ts';
import type { TypeOf } from './type-of.ts';

/** The range that an analysis read. */
const seriesFields = {
  ...scopeFields,
  ...rangeFields,
  moment: logMoment,
  windows: { ...count, description: 'Counted windows of 10 ms' },
  uncounted: {
    ...count,
    description: 'Windows of 10 ms in gaps, damaged, or counted in seconds only',
  },
  messages: count,
  ...damageFields,
} as const;

const who = array(
  object(
    {
      key: text,
      count: { ...count, description: 'Its messages in the burst; 0 in a stall' },
      share: { ...number, description: "Of the burst's messages, 0 to 1" },
      baselineShare: { ...number, description: 'Of the messages of the rest of the range, 0 to 1' },
      lift: { ...number, description: 'share ÷ baselineShare' },
      before: {
        ...count,
        description: 'Its messages in the 10 s before the burst; absent for a stall',
      },
      exact: { ...flag, description: 'Whether every message of the burst was seen' },
      atLeast: { ...count, description: 'Lower bound of the count, if it is not exact' },
      atMost: { ...count, description: 'Upper bound of the count, if it is not exact' },
    },
    { optional: ['before', 'atLeast', 'atMost'] },
  ),
  'With `who`: the keys that chance does not explain, largest lift first; of a stall those that are missing',
);

export const burstsSchema = object(
  {
    ...seriesFields,
    quantiles: {
      ...object({ p50: count, p75: count, p90: count, p95: count, p99: count, p999: count }),
      description: 'Messages in a window of 10 ms, by nearest rank',
    },
    scales: array(
      object({
        windowMs: count,
        windows: { ...count, description: 'Windows that were counted from start to end' },
        mean: { ...number, description: 'Messages in a window; 0 without a window' },
        variance: { ...number, description: 'Sample variance; 0 with fewer than two windows' },
        dispersion: { ...number, description: 'Variance ÷ mean: 1 for Poisson, 0 for a clock' },
        peak: { ...object({ start: epochMs, count }), description: 'The first largest window' },
        peakToMean: number,
      }),
      'At 10 ms, 100 ms and 1 s',
    ),
    thresholds: object(
      {
        rise: { ...number, description: 'Messages in 10 ms' },
        fall: { ...number, description: 'Messages in 10 ms' },
        stallMs: {
          ...number,
          description: 'Absent if there is too little traffic to tell a stall',
        },
      },
      { optional: ['stallMs'] },
    ),
    bursts: object({
      count,
      messages: count,
      share: { ...number, description: 'Share of all messages, 0 to 1' },
      list: array(
        object(
          { from: epochMs, to: epochMs, peak: count, total: count, share: number, who },
          { optional: ['who'] },
        ),
        'The hundred with the most messages, oldest first',
      ),
    }),
    stalls: object({
      count,
      ms: count,
      list: array(
        object({ from: epochMs, to: epochMs, who }, { optional: ['who'] }),
        'The hundred longest, oldest first',
      ),
    }),
    beats: array(
      object({
        periodMs: { ...number, description: 'From one beat to the next' },
        at: {
          ...epochMs,
          description: 'One of the newest beats; the others are whole periods away',
        },
        confidence: { ...number, description: 'That it is not chance, 0 to 1' },
      }),
      'Bursts that repeat: the strongest rhythm of the newest day; empty if there is none',
    ),
    verdict: {
      ...object(
        {
          expect: { type: 'string', enum: ['constant', 'poisson'] },
          rate: { ...number, description: 'Expected messages per second, if the request named it' },
          holds: { ...flag, description: 'Whether every check holds' },
          checks: array(
            object(
              {
                check: {
                  type: 'string',
                  enum: ['dispersion', 'longestGapMs', 'largestWindow', 'rate'],
                },
                windowMs: { ...count, description: 'Length of the windows of a dispersion' },
                measured: number,
                at: { ...epochMs, description: 'Start of the gap or window, epoch ms' },
                atLeast: number,
                atMost: number,
                holds: flag,
              },
              { optional: ['windowMs', 'at', 'atLeast', 'atMost'] },
            ),
            'A dispersion is left out if there is too little traffic to judge it',
          ),
        },
        { optional: ['rate'] },
      ),
      description: 'Whether the traffic is what `expect` says; absent without it',
    },
  },
  { optional: ['node', 'moment', 'verdict'] },
);
export type Bursts = TypeOf<typeof burstsSchema>;

export const whatIfSchema = object(
  {
    ...seriesFields,
    capacity: { ...count, description: 'Requests per second' },
    meanRate: { ...number, description: 'Messages per second' },
    peakRate: { ...number, description: 'Messages per second, in the largest window of 10 ms' },
    utilization: { ...number, description: 'Mean rate ÷ capacity' },
    backlog: object({
      max: { ...number, description: 'Messages in the queue' },
      at: { ...epochMs, description: 'When it was first that long, epoch ms' },
      longestMs: { ...number, description: 'The longest time that the queue was not empty' },
    }),
    wait: {
      ...object({ mean: number, p50: number, p99: number, max: number }),
      description: 'How long messages waited in the queue, in milliseconds',
    },
    delayed: { ...number, description: 'Share of the messages that waited' },
    curve: array(
      object({ rate: count, burst: count }),
      'For each rate the burst of the smallest token bucket that lets everything pass',
    ),
    limits: {
      ...object({
        nginx: array(text),
        haproxy: array(text),
        envoy: array(text),
        istio: array(text),
        traefik: array(text),
      }),
      description: 'Lines of configuration for the rate `capacity`',
    },
  },
  { optional: ['node', 'moment'] },
);
export type WhatIf = TypeOf<typeof whatIfSchema>;
