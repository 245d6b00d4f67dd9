/** What somebody meant who wrote a name that is not there. */
import { closest, distance } from 'fastest-levenshtein';

/** The name that is near enough to be meant, in words to put behind a message; else nothing. */
export function didYouMean(written: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const nearest = closest(written, names);
  const wrong = distance(written, nearest);
  // More than a third of the letters wrong, and more than two: then it is another word. So it is
  // where none of a short word need be right, as from --bad to --ca.
  const letters = Math.min(...[written, nearest].map((name) => name.replace(/^-+/, '').length));
  return wrong <= Math.max(2, Math.floor(written.length / 3)) && wrong < letters
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

const ownWords = [
  [/^Flag (--\S+) expects a value$/, 'got no value for $1'],
  [/^Missing required flag (\S+)$/, 'got no --$1'],
  [/^Command (.+) not found\.$/, 'there is no command "$1"'],
] as const;

/** A message of oclif in the words of our own; any other as it is. */
export function inOwnWords(message: string): string {
  return ownWords.reduce((text, [theirs, own]) => text.replace(theirs, own), message);
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
