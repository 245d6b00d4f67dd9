/**
 * Validates definitions of reports, and what other nodes say about reports. Each error names the
 * field, what was got and what is wanted.
 */
import { type PeriodName, parseDuration, periodNames, reportNamePattern } from '@reto3/core';
import { isBuiltInName } from './built-in/names.ts';
import { areColumns } from './columns.ts';
import { maxLatenessMs, type ReportDefinition } from './contract.ts';
import { keyColumns, maxMostKeys } from './keyed.ts';
import { isNeeds, wantedNeeds } from './needs.ts';

/** The names that a report of a module may have. */
const moduleName = /^[a-z][a-z0-9-]{0,31}$/;

/** The names that any report may have, including built-in ones. */
export const reportName = new RegExp(`^${reportNamePattern}$`);

const functions = ['create', 'add', 'merge', 'rows'] as const;
const optionalFunctions = ['encode', 'decode', 'migrate', 'key', 'timeOf', 'agrees'] as const;

/** @throws TypeError unless `given` is a valid definition */
export function assertDefinition(
  given: unknown,
): asserts given is ReportDefinition<unknown, string> {
  if (typeof given !== 'object' || given === null)
    throw new TypeError(`got ${typeof given}, want an object made with defineReport`);
  const definition: Readonly<Record<string, unknown>> = { ...given };
  const { name } = definition;
  if (typeof name !== 'string' || !(moduleName.test(name) || isBuiltInName(name)))
    throw new TypeError(
      `${got(definition, 'name')}, want 1 to 32 lower-case letters, digits and hyphens, starting with a letter`,
    );
  const problem =
    problemOfDescription(definition) ??
    problemOfFunctions(definition) ??
    problemOfOptions(definition);
  if (problem !== undefined) throw new TypeError(`report "${name}": ${problem}`);
}

type Given = Readonly<Record<string, unknown>>;

function got(definition: Given, field: string): string {
  return `got ${field} ${JSON.stringify(definition[field])}`;
}

function problemOfDescription(definition: Given): string | undefined {
  const { summary, version, needs, periods, columns } = definition;
  if (typeof summary !== 'string' || summary.trim() === '')
    return `${got(definition, 'summary')}, want one sentence`;
  if (version !== undefined && !isWhole(version, 1, 1_000_000))
    return `${got(definition, 'version')}, want a whole number from 1`;
  if (!isNeeds(needs)) return `${got(definition, 'needs')}, want ${wantedNeeds}`;
  if (periods !== undefined && !isPeriods(periods))
    return `${got(definition, 'periods')}, want some of ${periodNames.join(', ')}`;
  const isKeyed = definition['key'] !== undefined;
  if (!areColumns(columns) || (!isKeyed && Object.keys(columns).length === 0))
    return `${got(definition, 'columns')}, want lower-case names, each with a description`;
  const taken = isKeyed && Object.keys(columns).find((column) => column in keyColumns);
  if (taken) return `got the column ${taken}, which every report with a key has; want another name`;
  return undefined;
}

function problemOfFunctions(definition: Given): string | undefined {
  for (const field of functions)
    if (typeof definition[field] !== 'function')
      return `${got(definition, field)}, want a function`;
  for (const field of optionalFunctions)
    if (definition[field] !== undefined && typeof definition[field] !== 'function')
      return `${got(definition, field)}, want a function or undefined`;
  // Nobody waits for a promise, so its result would be missing.
  for (const field of [...functions, ...optionalFunctions])
    if (definition[field] !== undefined && !isPlainFunction(definition[field]))
      return `got an async or generator function ${field}, want a plain one`;
  if ((definition['encode'] === undefined) !== (definition['decode'] === undefined))
    return 'got one of encode and decode, want both or neither';
  return undefined;
}

function problemOfOptions(definition: Given): string | undefined {
  const { key, mostKeys, allowedLateness, timeOf } = definition;
  if (mostKeys !== undefined && !(key !== undefined && isWhole(mostKeys, 1, maxMostKeys)))
    return `${got(definition, 'mostKeys')}, want 1 to ${maxMostKeys}, beside key`;
  if (allowedLateness !== undefined && !(timeOf && isLateness(allowedLateness)))
    return `${got(definition, 'allowedLateness')}, want up to 30d, such as "5m", beside timeOf`;
  return undefined;
}

function isPlainFunction(given: unknown): boolean {
  return Object.prototype.toString.call(given) === '[object Function]';
}

function isWhole(given: unknown, min: number, max: number): boolean {
  return Number.isInteger(given) && Number(given) >= min && Number(given) <= max;
}

function isLateness(given: unknown): boolean {
  const ms = typeof given === 'string' ? parseDuration(given) : Number.NaN;
  return ms >= 0 && ms <= maxLatenessMs;
}

export function isPeriods(given: unknown): given is PeriodName[] {
  return (
    Array.isArray(given) && given.length > 0 && given.every((name) => periodNames.includes(name))
  );
}

/** Whether these are the columns of a report: name → description. */
export function isColumns(given: unknown): given is Record<string, string> {
  return (
    areColumns(given) &&
    Object.keys(given).length > 0 &&
    Object.values(given).every((column) => typeof column === 'string')
  );
}
