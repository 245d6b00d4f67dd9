/** What somebody meant who wrote a name that is not there. */
import { closest, distance } from 'fastest-levenshtein';

/** The name that is near enough to be meant, in words to put behind a message; else nothing. */
export function didYouMean(written: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const nearest = closest(written, names);
  // A third of the letters wrong, and at least two: then it is another word.
  return distance(written, nearest) <= Math.max(2, Math.floor(written.length / 3))
    ? `, did you mean "${nearest}"?`
    : '';
}

/**
 * Words for a flag that is not there, of the error with which oclif refuses it; undefined for any
 * other error.
 */
export function unknownFlag(error: object): string | undefined {
  if (!isNonExistentFlags(error)) return undefined;
  const [refused = ''] = error.flags[0]?.split('=', 1) ?? [];
  const names = Object.keys(error.parse.input.flags).map((name) => `--${name}`);
  return `there is no flag ${refused}${didYouMean(refused, names)}`;
}

/** Words for arguments that are missing: oclif names them on lines of their own. */
export function missingArguments(error: object): string | undefined {
  if (!isRequiredArgs(error)) return undefined;
  return `got no ${error.args.map(({ name }) => name.toUpperCase()).join(', no ')}`;
}

/** Words for arguments that a command does not take. */
export function unexpectedArguments(error: object, command: string): string | undefined {
  if (error.constructor.name !== 'UnexpectedArgsError') return undefined;
  if (!('args' in error) || !Array.isArray(error.args)) return undefined;
  return `got "${error.args.join('", "')}", which reto3 ${command} does not take`;
}

/** The command that the words begin with, such as `stats`; empty where they begin with none. */
export async function commandIn(args: readonly string[]): Promise<string> {
  const { Config } = await import('@oclif/core');
  const { commandIDs } = await Config.load(import.meta.url);
  const lengths = args.map((_, index) => index + 1).reverse();
  const most = lengths.find((length) => commandIDs.includes(args.slice(0, length).join(':')));
  return args.slice(0, most ?? 0).join(' ');
}

interface RequiredArgs {
  readonly args: readonly { readonly name: string }[];
}

function isRequiredArgs(error: object): error is RequiredArgs {
  return error.constructor.name === 'RequiredArgsError';
}

/** oclif exports its class from a folder that loads all of its parser. */
interface NonExistentFlags {
  readonly flags: readonly string[];
  readonly parse: { readonly input: { readonly flags: object } };
}

function isNonExistentFlags(error: object): error is NonExistentFlags {
  return error.constructor.name === 'NonExistentFlagsError';
}
