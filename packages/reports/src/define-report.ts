/**
 * `defineReport`: checks a definition and makes the report that the server runs, with defaults, key
 * and version filled in. Definitions come from files of users, so nothing of them is taken for
 * granted.
 */
import { parseDuration, periodNames } from '@reto3/core';
import { type Column, descriptionOf, typeOf } from './columns.ts';
import type { Report, ReportDefinition } from './contract.ts';
import { assertDefinition } from './definition.ts';
import { defaultMostKeys, keyColumns, keyed } from './keyed.ts';
import { versionOf, withVersion } from './versioned.ts';

/**
 * Makes a report from a definition.
 * @throws TypeError that names what is wrong with the definition
 */
export function defineReport<Accumulator, Name extends string>(
  definition: ReportDefinition<Accumulator, Name>,
): Report<Accumulator, Name> {
  assertDefinition(definition);
  // Only the functions of a definition know what its accumulators are.
  return compile(definition) as Report<Accumulator, Name>;
}

function compile(definition: ReportDefinition<unknown, string>): Report {
  const { periods = ['sec', 'min'], version = 1, allowedLateness, key } = definition;
  const inside = {
    encode: encodeJson,
    decode: (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()),
    ...definition,
    merge(accumulator: unknown, other: unknown): unknown {
      const merged = definition.merge(accumulator, other);
      if (merged === undefined) throw new TypeError('merge returned undefined, want the result');
      return merged;
    },
  };
  const columns: Record<string, Column> =
    key === undefined ? definition.columns : { ...keyColumns, ...definition.columns };
  const types = Object.entries(columns).flatMap(([name, column]) => {
    const type = typeOf(column);
    return type === undefined ? [] : [[name, type] as const];
  });
  const { timeOf, agrees } = inside;
  const plain: Report = {
    ...{ name: definition.name, summary: definition.summary, version, needs: definition.needs },
    periods: periodNames.filter((name) => periods.includes(name)),
    columns: Object.fromEntries(
      Object.entries(columns).map(([name, column]) => [name, descriptionOf(column)]),
    ),
    types: Object.fromEntries(types),
    isKeyed: key !== undefined,
    migrates: definition.migrate !== undefined,
    allowedLatenessMs: allowedLateness === undefined ? undefined : parseDuration(allowedLateness),
    code: codeOf(definition),
    ...{ create: inside.create, add: inside.add, merge: inside.merge, rows: inside.rows },
    ...{ encode: inside.encode, decode: inside.decode },
    ...(timeOf && { timeOf }),
    ...(agrees && { agrees }),
    definition,
  };
  const { mostKeys = defaultMostKeys } = definition;
  const report =
    key === undefined ? plain : { ...plain, ...keyed(inside, (message) => key(message), mostKeys) };
  return version === 1 ? report : versioned(report);
}

function encodeJson(accumulator: unknown): Uint8Array {
  const json: string | undefined = JSON.stringify(accumulator);
  if (json === undefined)
    throw new TypeError(`got an accumulator of type ${typeof accumulator}, want a JSON value`);
  return Buffer.from(json);
}

/** Without code of reto3, so that a new version of reto3 does not change the code of any report. */
function codeOf(definition: ReportDefinition<unknown, string>): string[] {
  const { create, add, merge, encode = 'JSON', decode = 'JSON', source } = definition;
  const { version = 1, key, mostKeys, timeOf } = definition;
  const own = source === undefined ? [create, add, merge, encode, decode] : [source];
  return [...own, timeOf, key, mostKeys, version].map(String);
}

/** The report with its version in front of the bytes of each accumulator. */
function versioned(report: Report): Report {
  const { version, definition, encode, decode } = report;
  return {
    ...report,
    encode: (accumulator, maxBytes) => withVersion(version, encode(accumulator, maxBytes)),
    decode(bytes) {
      const { version: wrote, rest } = versionOf(bytes);
      if (wrote === version) return decode(rest);
      if (wrote > version || definition.migrate === undefined)
        throw new TypeError(`got what version ${wrote} of the report stored, want ${version}`);
      return definition.migrate(rest, wrote);
    },
  };
}
