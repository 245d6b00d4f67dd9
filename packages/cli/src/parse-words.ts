/**
 * Parses the words after the name of a command, with Node's `parseArgs`. It accepts `--name value`,
 * `--name=value`, `-n 5`, `-n5`, `-n=5`, grouped single letters, and arguments anywhere between
 * them. Everything after a lone `--` is an argument.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { Reto3Error } from '@reto3/core';
import type { ArgumentTable, GivenArguments } from './command.ts';
import type { FlagTable, Given } from './flags.ts';

interface Accepted<Args extends ArgumentTable, Flags extends FlagTable> {
  readonly args: Args;
  readonly flags: Flags;
}

interface Parsed<Args extends ArgumentTable, Flags extends FlagTable> {
  readonly args: GivenArguments<Args>;
  readonly flags: Given<Flags>;
}

type Refuse = (code: 'RETO3_BAD_COMMAND' | 'RETO3_BAD_FLAG', message: string) => never;
/** True for a switch. */
type Value = string | true | readonly string[];
type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];

/**
 * @param name of the command, for error messages
 * @throws Reto3Error RETO3_BAD_COMMAND for arguments, RETO3_BAD_FLAG for flags
 */
export async function parseWords<Args extends ArgumentTable, Flags extends FlagTable>(
  name: string,
  { args, flags }: Accepted<Args, Flags>,
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<Parsed<Args, Flags>> {
  const refuse: Refuse = (code, message) => {
    throw new Reto3Error(code, message, { hint: `see reto3 ${name} --help` });
  };
  // Not strict, because Node's errors suggest no cure and differ between versions.
  const options = optionsOf(flags);
  const { tokens } = parseArgs({
    args: withBareValues(words, flags),
    options,
    strict: false,
    tokens: true,
  });
  const typed = await typedFlags(flags, tokens, refuse);
  const positionals = tokens.flatMap((token) => (token.kind === 'positional' ? token.value : []));
  const isEndless = Object.values(args).some(({ repeatable }) => repeatable);
  const extra = isEndless ? [] : positionals.slice(Object.keys(args).length);
  if (extra.length > 0)
    refuse('RETO3_BAD_COMMAND', `got "${extra.join('", "')}", which reto3 ${name} does not take`);
  // Everything that the tables promise is present here, or an error was thrown.
  return {
    args: argumentValues(args, positionals, refuse) as GivenArguments<Args>,
    flags: withDefaults(flags, typed, environment, refuse) as Given<Flags>,
  };
}

function optionsOf(flags: FlagTable): NonNullable<ParseArgsConfig['options']> {
  const options = Object.entries(flags).flatMap(([name, { value, char, alias }]) => {
    const type = value === undefined ? ('boolean' as const) : ('string' as const);
    const option = [name, { type, ...(char && { short: char }) }] as const;
    return alias === undefined ? [option] : [option, [alias, { type }] as const];
  });
  return Object.fromEntries(options);
}

/** Inserts the value of each flag that stands without its optional one. */
function withBareValues(words: readonly string[], flags: FlagTable): string[] {
  const end = words.indexOf('--');
  return words.map((word, at) => {
    const impliedValue = word.startsWith('--') ? flags[word.slice(2)]?.impliedValue : undefined;
    const isAlone = words[at + 1]?.startsWith('-') ?? true;
    const isFlag = end === -1 || at < end;
    return impliedValue !== undefined && isAlone && isFlag ? `${word}=${impliedValue}` : word;
  });
}

async function typedFlags(
  flags: FlagTable,
  tokens: readonly Token[],
  refuse: Refuse,
): Promise<ReadonlyMap<string, Value>> {
  const names = new Map(Object.keys(flags).map((name) => [name, name]));
  for (const [name, { alias }] of Object.entries(flags))
    if (alias !== undefined) names.set(alias, name);
  const typed = new Map<string, Value>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const name = names.get(token.name);
    const flag = name === undefined ? undefined : flags[name];
    if (name === undefined || flag === undefined)
      return refuse(
        'RETO3_BAD_FLAG',
        `there is no flag ${token.rawName}${await guess(token, flags)}`,
      );
    if (flag.value === undefined) {
      if (token.value !== undefined)
        refuse('RETO3_BAD_FLAG', `got --${name}=${token.value}, which takes no value`);
      typed.set(name, true);
      continue;
    }
    const value = typedValue(token) ?? refuse('RETO3_BAD_FLAG', `got no value for --${name}`);
    const before = typed.get(name);
    if (flag.repeatable === 'array') {
      typed.set(name, [...(Array.isArray(before) ? before : []), value]);
      continue;
    }
    if (before !== undefined && !flag.repeatable)
      refuse('RETO3_BAD_FLAG', `got --${name} twice, want it once`);
    typed.set(name, before === undefined ? value : `${before},${value}`);
  }
  return typed;
}

type OptionToken = Extract<Token, { readonly kind: 'option' }>;

async function guess({ rawName }: OptionToken, flags: FlagTable): Promise<string> {
  // Loaded here, because loading takes a while and typing errors are rare.
  const { didYouMean } = await import('./did-you-mean.ts');
  const known = Object.keys(flags).map((name) => `--${name}`);
  return didYouMean(rawName, known);
}

/** Undefined if the value is missing: the next word is a flag, or there is none. */
function typedValue({ value, inlineValue, rawName }: OptionToken): string | undefined {
  if (value === undefined || (!inlineValue && /^--?[a-z]/i.test(value))) return undefined;
  // parseArgs leaves the = of -n=5 in the value.
  return inlineValue && !rawName.startsWith('--') ? value.replace(/^=/, '') : value;
}

function argumentValues(
  args: ArgumentTable,
  positionals: readonly string[],
  refuse: Refuse,
): Record<string, string | readonly string[] | undefined> {
  const names = Object.keys(args);
  const missing = names.slice(positionals.length).filter((name) => args[name]?.required);
  if (missing.length > 0)
    refuse(
      'RETO3_BAD_COMMAND',
      `got no ${missing.map((name) => name.toUpperCase()).join(', no ')}`,
    );
  const values = names.map((name, at) => [
    name,
    args[name]?.repeatable ? positionals.slice(at) : (positionals[at] ?? args[name]?.fallback),
  ]);
  return Object.fromEntries(values);
}

function withDefaults(
  flags: FlagTable,
  typed: ReadonlyMap<string, Value>,
  environment: NodeJS.ProcessEnv,
  refuse: Refuse,
): Record<string, Value | undefined> {
  const values = Object.entries(flags).map(([name, { env, fallback, required }]) => {
    // An empty variable counts as not set.
    const value = typed.get(name) ?? ((env && environment[env]) || fallback);
    if (value === undefined && required) refuse('RETO3_BAD_FLAG', `got no --${name}`);
    return [name, value];
  });
  return Object.fromEntries(values);
}
