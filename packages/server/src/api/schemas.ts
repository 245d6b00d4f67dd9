/** JSON schemas that several routes share; /openapi.json is made from them. */
import { type ErrorCode, errorHints, type Scope, scopes } from '@reto3/core';

export const errorSchema = {
  $id: 'Error',
  type: 'object',
  required: ['code', 'message', 'hint'],
  properties: {
    code: {
      type: 'string',
      description: 'Stable, such as RETO3_BAD_TIME; docs/errors.md lists them',
    },
    message: { type: 'string', description: 'What was got and what is wanted' },
    hint: { type: 'string', description: 'The cure' },
  },
} as const;

/** What every failure is answered with. */
export function errorBody(
  code: ErrorCode,
  message: string,
  hint: string = errorHints[code],
): { readonly code: ErrorCode; readonly message: string; readonly hint: string } {
  return { code, message, hint };
}

export const errorResponse = { $ref: 'Error#' } as const;

export const periodParameter = {
  type: 'string',
  description: 'ms10 (10 ms), sec (1 s) or min (60 s)',
} as const;

const time =
  'ISO 8601 (UTC where it names no zone), epoch seconds (10 digits) or ms (13), 0, or an age such as 90s, 5m, 2h, 1d';

export const rangeParameters = {
  last: { type: 'string', description: 'The newest so many windows; by default 100 (ms10) or 60' },
  from: { type: 'string', description: `Windows that start at or after this time: ${time}` },
  to: { type: 'string', description: `Windows that start before this time: ${time}` },
  open: {
    type: 'string',
    enum: ['', 'true', 'false'],
    description: 'Include windows that are not final yet',
  },
} as const;

export const scopeParameter = {
  type: 'string',
  enum: scopes,
  description: "Whose counts: this node's, or the cluster's, where this server adds them up",
} as const;

export const whoseParameters = {
  scope: scopeParameter,
  node: {
    type: 'string',
    description:
      "The counts of that node of the cluster alone, where this server adds them up; as far back as ms10 windows are kept. They have the cluster's finalThrough, and name no revised windows",
  },
} as const;

export interface WhoseQuery {
  readonly scope?: Scope;
  readonly node?: string;
}

export interface RangeQuery {
  readonly last?: string;
  readonly from?: string;
  readonly to?: string;
  readonly open?: '' | 'true' | 'false';
}

/** `?open` and `?open=true` say yes. */
export function isOn(value: '' | 'true' | 'false' | undefined): boolean {
  return value === '' || value === 'true';
}
