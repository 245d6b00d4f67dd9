/** /v1/stats/{period} and /v1/live: windows and their counts. */

import {
  array,
  count,
  damageFields,
  epochMs,
  logMoment,
  object,
  period,
  rangeFields,
  scopeFields,
} from './parts.ts';
import type { TypeOf } from './type-of.ts';

const columnFields = {
  starts: array(epochMs, 'Start of each window, epoch ms'),
  counts: array(count, 'Messages in each window'),
  revised: array(epochMs, 'Starts of the windows whose count changed after they were final'),
  partial: array(
    epochMs,
    'Starts of the windows that were only partly counted, such as the one in which the server started',
  ),
} as const;

/** /v1/stats/{period} as JSON. */
export const statsSchema = object(
  {
    period,
    windowMs: count,
    ...scopeFields,
    ...rangeFields,
    moment: logMoment,
    ...columnFields,
    ...damageFields,
  },
  { optional: ['node', 'moment'] },
);
export type Stats = TypeOf<typeof statsSchema>;

/** A line of /v1/stats/{period} as NDJSON. */
export const statsRowSchema = object(
  {
    start: epochMs,
    count,
    revised: { type: 'boolean', const: true, description: 'The count changed after it was final' },
    partial: { type: 'boolean', const: true, description: 'The window was only partly counted' },
  },
  { optional: ['revised', 'partial'] },
);
export type StatsRow = TypeOf<typeof statsRowSchema>;

/** The data of one event of /v1/live. */
export const liveEventSchema = object(
  {
    period,
    windowMs: count,
    ...rangeFields,
    ...columnFields,
    ...damageFields,
    messagesInAll: {
      ...count,
      description:
        'All messages that this server counted before `to`; absent from a cluster and from past events',
    },
  },
  { optional: ['messagesInAll'] },
);
export type LiveEvent = TypeOf<typeof liveEventSchema>;
