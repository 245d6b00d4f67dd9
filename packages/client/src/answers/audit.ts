/** /v1/audit: whether the counts are reliable, and every place where they are not. */
import { periodNames } from '@reto3/core';
import { array, count, epochMs, flag, logMoment, object, text } from './parts.ts';
import type { TypeOf } from './type-of.ts';

const place = object({
  period: { type: 'string', enum: [...periodNames, 'archive'] },
  from: epochMs,
  to: epochMs,
  reason: text,
});

export const auditSchema = object(
  {
    ok: flag,
    from: epochMs,
    to: epochMs,
    checks: array(
      object({
        name: { type: 'string', enum: ['blocks', 'periods', 'counted', 'archive'] },
        ok: flag,
        says: text,
      }),
    ),
    moment: logMoment,
    messages: object({ ms10: count, sec: count, min: count }),
    places: array(place, 'Where a check failed: the first 100 places'),
    gone: array(
      place,
      'Lost before a repair, and named in every answer since: the first 100 places',
    ),
  },
  { optional: ['moment'] },
);
export type Audit = TypeOf<typeof auditSchema>;
