/** The body of every failed request, and of /healthz and /readyz with status 503. */

import { object, text } from './parts.ts';
import type { TypeOf } from './type-of.ts';

export const errorSchema = {
  $id: 'Error',
  ...object({
    code: { ...text, description: 'Stable, such as RETO3_BAD_TIME; docs/errors.md lists them' },
    message: { ...text, description: 'What the server got and what it wants' },
    hint: { ...text, description: 'The cure' },
  }),
} as const;
export type ErrorAnswer = TypeOf<typeof errorSchema>;

export const healthSchema = object({ status: { type: 'string', const: 'ok' } });
export type Health = TypeOf<typeof healthSchema>;
