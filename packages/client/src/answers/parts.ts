/** Schemas that several answers share. */
import { logMoments, periodNames, scopes } from '@reto3/core';
import type { JSONSchema } from 'json-schema-to-ts';

type Fields = Readonly<Record<string, JSONSchema>>;

/** The schema of an object: all of these fields are required, except the optional ones. */
export function object<const All extends Fields, const Optional extends keyof All & string = never>(
  properties: All,
  { optional = [] }: { readonly optional?: readonly Optional[] } = {},
) {
  type Required = Exclude<keyof All & string, Optional>;
  const isRequired = (name: string): name is Required => !optional.some((each) => each === name);
  const required = Object.keys(properties).filter(isRequired);
  return { type: 'object', required, properties } as const;
}

/** The schema of an array. */
export function array<const Item extends JSONSchema>(items: Item, description?: string) {
  return { type: 'array', items, ...(description !== undefined && { description }) } as const;
}

export const count = { type: 'integer', minimum: 0 } as const;
export const number = { type: 'number' } as const;
export const text = { type: 'string' } as const;
export const flag = { type: 'boolean' } as const;
export const epochMs = { type: 'integer', description: 'Epoch ms' } as const;
export const period = { type: 'string', enum: periodNames } as const;

export const scopeFields = {
  scope: { type: 'string', enum: scopes, description: "This node's counts, or the cluster's" },
  node: { ...text, description: 'The one node of the cluster, if the request named one' },
} as const;

/** The time range of an answer: [from, to). */
export const rangeFields = {
  from: epochMs,
  to: epochMs,
  finalThrough: { ...epochMs, description: 'End of the newest final window, epoch ms' },
} as const;

/** Windows counted in part, where an answer names only the first ones. */
export const partialFields = {
  partial: array(
    epochMs,
    'Starts of the windows that were only partly counted, as at a start or stop: the first 100',
  ),
  partialWindows: { ...count, description: 'How many of them there are in all' },
} as const;

export const logMoment = {
  type: 'string',
  enum: logMoments,
  description:
    'Which moment of each request is counted in the logs that were imported or followed; mixed: in some the start, ' +
    'in others the end. Absent without such logs, and if an earlier version counted some',
} as const;

export const damageFields = {
  damaged: array(
    object({ from: epochMs, to: epochMs, reason: text }),
    'Parts of the range whose counts cannot be read: the first 100',
  ),
  damagedPlaces: { ...count, description: 'How many damaged parts there are in all' },
} as const;
