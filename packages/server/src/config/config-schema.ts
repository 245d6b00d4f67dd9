/** The JSON schema of the configuration file, for editors; derived from the table of settings. */
import type { Setting } from './setting.ts';
import { settings } from './settings.ts';

export function configSchema(): object {
  const properties = Object.values(settings).map((setting) => [setting.flag, schemaOf(setting)]);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Settings of reto3 serve',
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(properties),
  };
}

function schemaOf({ summary, value, repeatable, fallback, fallbackText }: Setting<unknown>) {
  const isDefaultKnown = fallbackText === undefined && fallback !== undefined;
  const words = { description: summary, ...(isDefaultKnown && { default: defaultOf() }) };
  if (value === undefined) return { ...words, type: 'boolean' };
  const choices = value.split('|');
  if (choices.length > 1) return { ...words, enum: choices };
  const one = { type: ['string', 'integer'] };
  return repeatable
    ? { ...words, anyOf: [one, { type: 'array', items: one, minItems: 1 }] }
    : { ...words, ...one };

  function defaultOf(): string | number | boolean | undefined {
    if (value === undefined) return fallback === 'true';
    return fallback !== undefined && /^\d+$/.test(fallback) ? Number(fallback) : fallback;
  }
}
