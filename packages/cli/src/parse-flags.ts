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
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { value, char }]) => [
      name,
      { type: value === undefined ? 'boolean' : 'string', ...(char && { short: char }) } as const,
    ]),
  );
  const tokens = tokensOf(args, options);
  if (tokens === undefined) return undefined;
  const given: Record<string, string | boolean | undefined> = {};
  for (const token of tokens) {
    // A flag given twice, a text that is empty or may be a flag, and a lone -- are oclif's to judge.
    if (token.kind !== 'option') return undefined;
    if (token.value === '' || token.value?.startsWith('-')) return undefined;
    const before = given[token.name];
    if (before !== undefined && !table[token.name]?.repeatable) return undefined;
    given[token.name] = before === undefined ? (token.value ?? true) : `${before},${token.value}`;
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
