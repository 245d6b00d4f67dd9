/** /v1/reports and /v1/reports/{name}: the list of reports, and the rows of one. */

import {
  array,
  count,
  damageFields,
  epochMs,
  flag,
  object,
  partialFields,
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
      version: { ...count, description: 'Of the report, as its author numbers it' },
      types: {
        type: 'object',
        additionalProperties: object({ type: text, unit: text }, { optional: ['unit'] }),
        description: 'Type and unit of the columns that have one',
      },
      allowedLatenessMs: {
        ...count,
        description: 'Windows are final so long after their end; absent if they may always grow',
      },
      ownTime: { ...flag, description: 'Whether it places messages by a time of their own' },
      errors: object({
        failed: { ...count, description: 'Messages that it failed on' },
        skipped: { ...count, description: 'Messages that it had no time for' },
        examples: array(
          object({ at: epochMs, method: text, path: text, error: text }),
          'The newest that it failed on, oldest first',
        ),
      }),
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
    {
      optional: [
        ...(['needs', 'nodes', 'runs', 'version', 'types'] as const),
        ...(['allowedLatenessMs', 'ownTime', 'errors'] as const),
      ],
    },
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
  final: {
    type: 'string',
    enum: ['complete', 'may grow'],
    description:
      'What final means: no message can change a final window, or one may still come for it, since the report places messages by a time of their own',
  },
  columns: array(text),
  types: array(
    {
      anyOf: [
        object(
          { type: { type: 'string', enum: ['int64', 'float', 'text', 'timestamp'] }, unit: text },
          { optional: ['unit'] },
        ),
        { type: 'null' },
      ],
    },
    'The type and unit of each column; null if the report does not say',
  ),
  rows: array(array(cell), 'The first cell is the start of the window, epoch ms'),
  ...partialFields,
  ...damageFields,
});
export type Report = TypeOf<typeof reportSchema>;

/**
 * A line of /v1/reports/{name} as NDJSON: the start, and a cell for each column. A window that was
 * only partly counted has `"partial": true`, unless the report has a column of that name.
 */
export const reportRowSchema = {
  type: 'object',
  required: ['start'],
  properties: { start: epochMs, partial: { type: ['boolean', ...cell.type] } },
  additionalProperties: cell,
} as const;
