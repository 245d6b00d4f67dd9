/** Parameters that several routes share, and the form of every error. */
import type { ErrorAnswer, TypeOf } from '@reto3/client/answers';
import { type ErrorCode, errorHints, scopes } from '@reto3/core';

/** The answer to a failed request. */
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
  'ISO 8601 (UTC unless it names a zone), epoch seconds (10 digits) or ms (13), 0, or an age such as 90s, 5m, 2h, 1d';

export const rangeParameters = {
  last: { type: 'string', description: 'Only the newest N windows; default 100 (ms10) or 60' },
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
  description: "This node's counts (default), or the cluster's if this server merges them",
} as const;

export const selectorParameters = {
  scope: scopeParameter,
  node: {
    type: 'string',
    description:
      "Only the counts of this node of the cluster, if this server merges them; as far back as ms10 windows are kept. Such answers have the cluster's finalThrough and mark no revised windows",
  },
} as const;

export type SelectorQuery = TypeOf<{
  readonly type: 'object';
  readonly properties: typeof selectorParameters;
}>;

/** `?open` and `?open=true` switch it on. */
export function isEnabled(value: '' | 'true' | 'false' | undefined): boolean {
  return value === '' || value === 'true';
}
