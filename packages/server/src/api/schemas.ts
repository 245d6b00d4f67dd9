/** Parameters that several routes share, and what every route answers to a failure. */
import type { ErrorAnswer } from '@reto3/client/answers';
import { type ErrorCode, errorHints, type Scope, scopes } from '@reto3/core';

/** What every failure is answered with. */
export function errorBody(
  code: ErrorCode,
  message: string,
  hint: string = errorHints[code],
): ErrorAnswer {
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
