/**
 * Reads flags without oclif, which takes longer to load than most commands take to run, and memory
 * that a server would keep. It takes only what both parsers surely understand alike; everything else
 * is left to oclif, which refuses it or knows better. So there is one help and one set of errors.
 */
import { parseArgs } from 'node:util';
import type { FlagTable, Given } from './flags.ts';

/** What was given; undefined where oclif has to look at it. */
export function parseFlags<Table extends FlagTable>(
  table: Table,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Given<Table> | undefined {
  const aliases = new Map<string, string>();
  const options: Options = {};
  for (const [name, { value, char, alias }] of Object.entries(table)) {
    const type = value === undefined ? 'boolean' : 'string';
    options[name] = { type, ...(char && { short: char }) };
    if (alias === undefined) continue;
    options[alias] = { type };
    aliases.set(alias, name);
  }
  const tokens = tokensOf(args, options);
  if (tokens === undefined) return undefined;
  const given: Record<string, string | boolean | string[] | undefined> = {};
  for (const token of tokens) {
    // A flag given twice, a text that is empty or may be a flag, and a lone -- are oclif's to judge.
    if (token.kind !== 'option') return undefined;
    if (token.value === '' || token.value?.startsWith('-')) return undefined;
    const name = aliases.get(token.name) ?? token.name;
    const before = given[name];
    if (table[name]?.repeatable === 'array') {
      given[name] = [...(Array.isArray(before) ? before : []), String(token.value)];
      continue;
    }
    if (before !== undefined && !table[name]?.repeatable) return undefined;
    given[name] = before === undefined ? (token.value ?? true) : `${before},${token.value}`;
  }
  for (const [name, { env, fallback }] of Object.entries(table)) {
    // An empty variable counts as not set.
    given[name] ??= (env && environment[env]) || fallback;
  }
  // One entry for each of the table, of the kind that `options` let through.
  return given as Given<Table>;
}

type Options = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>['options']>;

function tokensOf(args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], options, strict: true, tokens: true }).tokens;
  } catch {
    return undefined;
  }
}
