/** /v1/reports and /v1/reports/{name}: reports, and their rows. */

import {
  array,
  count,
  damageFields,
  epochMs,
  flag,
  object,
  period,
  rangeFields,
  scopeFields,
  text,
} from './parts.ts';
import type { TypeOf } from './type-of.ts';

export const reportListSchema = array(
  object(
    {
      name: text,
      summary: text,
      running: { ...flag, description: 'Whether it sees messages now' },
      needs: {
        anyOf: [text, array(text)],
        description: 'What it reads of a message beside method, path and query, such as body',
      },
      periods: array(period, 'The windows that it keeps'),
      columns: {
        type: 'object',
        additionalProperties: text,
        description: 'Name and meaning of each column, in order',
      },
      since: { ...epochMs, description: 'When it first ran, epoch ms' },
      nodes: array(
        object({
          name: text,
          state: {
            type: 'string',
            enum: ['runs', 'stopped', 'other', 'without'],
            description:
              'other: the node runs a different report of that name, which is left out. without: the node counts but does not run it',
          },
        }),
        'With `scope=cluster`: what each node does with it',
      ),
      runs: array(
        object(
          {
            from: epochMs,
            to: { ...epochMs, description: 'Epoch ms; absent while it runs' },
            off: { ...text, description: 'Why it was switched off, if it was' },
          },
          { optional: ['to', 'off'] },
        ),
        'When it ran, oldest first: it knows nothing of other times',
      ),
    },
    { optional: ['needs', 'nodes', 'runs'] },
  ),
);
export type ReportList = TypeOf<typeof reportListSchema>;

const cell = { type: ['number', 'string', 'null'] } as const;

/** /v1/reports/{name} as JSON. */
export const reportSchema = object({
  report: text,
  scope: scopeFields.scope,
  period,
  windowMs: count,
  ...rangeFields,
  columns: array(text),
  rows: array(array(cell), 'The first cell is the start of the window, epoch ms'),
  ...damageFields,
});
export type Report = TypeOf<typeof reportSchema>;

/** A line of /v1/reports/{name} as NDJSON: the start, and a cell for each column. */
export const reportRowSchema = {
  type: 'object',
  required: ['start'],
  properties: { start: epochMs },
  additionalProperties: cell,
} as const;
