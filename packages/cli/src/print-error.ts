/**
 * Prints an error as one line on stderr: what happened, its cure in brackets, its code in square
 * brackets. With --json the line is an object. The code is what scripts match on (docs/errors.md).
 */
import { type ErrorCode, messageOf, Reto3Error } from '@reto3/core';
import { errorExitCode, exitCode } from './exit-code.ts';

interface Told {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

/**
 * Prints what was thrown and returns the exit code.
 * @param args the words behind `reto3`
 */
export async function printError(error: unknown, args: readonly string[]): Promise<number> {
  // Help and --version leave through an error too.
  if (oclifExitOf(error) === exitCode.done) return exitCode.done;
  return printReto3Error(await toldOf(error, args), args);
}

/** The same for one that needs no better words; at once, for a process that is about to end. */
export function printReto3Error(error: Told, args: readonly string[]): number {
  const { code, message, hint } = error;
  const exit = errorExitCode[code];
  const cure = exit === exitCode.usage ? (quotingHint(args) ?? hint) : hint;
  const line = wantsJson(args)
    ? JSON.stringify({ code, message, hint: cure })
    : `reto3: ${message} (${cure}) [${code}]`;
  process.stderr.write(`${line}\n`);
  return exit;
}

async function toldOf(error: unknown, args: readonly string[]): Promise<Told> {
  if (error instanceof Reto3Error) return error;
  if (oclifExitOf(error) === exitCode.usage) return usageErrorOf(error, args);
  return new Reto3Error('RETO3_INTERNAL', oneLine(messageOf(error)), {
    hint: 'this is a bug in reto3; report it with the command that you ran',
  });
}

/** What oclif refused, in words that name what was got. */
async function usageErrorOf(error: unknown, args: readonly string[]): Promise<Told> {
  const { commandIn, inOwnWords, missingArguments, unexpectedArguments, unknownFlag } =
    await import('./did-you-mean.ts');
  const command = await commandIn(args);
  const refused = error instanceof Error ? error : new Error(String(error));
  const ofArguments = missingArguments(refused) ?? unexpectedArguments(refused, command);
  const message = ofArguments ?? unknownFlag(refused) ?? inOwnWords(oneLine(refused.message));
  const code = ofArguments === undefined ? 'RETO3_BAD_FLAG' : 'RETO3_BAD_COMMAND';
  // `reto3 help nothing` is about a command too, and no command to ask for help on.
  if (command === '' || command === 'help') return new Reto3Error('RETO3_BAD_COMMAND', message);
  return new Reto3Error(code, message, { hint: `see reto3 ${command} --help` });
}

/** Whether the caller reads JSON. What follows a lone `--` is no flag. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  const flags = end === -1 ? args : args.slice(0, end);
  return flags.some(
    (arg, at) =>
      arg === '--json' ||
      arg === '--format=json' ||
      (arg === 'json' && flags[at - 1] === '--format'),
  );
}

/**
 * A date and a time of day as two words: the shell took the blank between them for the end of the
 * first, and the second is then a period, a statement or a word too many.
 */
function quotingHint(args: readonly string[]): string | undefined {
  for (const [at, time] of args.entries()) {
    const [, flag = args[at - 2], date] =
      /^(?:(--?\w+)=)?(\d{4}-\d{2}-\d{2})$/.exec(args[at - 1] ?? '') ?? [];
    if (date !== undefined && flag?.startsWith('-') && /^\d{1,2}:\d{2}/.test(time))
      return `quote a time that has a blank: ${flag} "${date} ${time}"`;
  }
  return undefined;
}

/**
 * What a message says, on one line: the first, and where that only announces, what is listed under
 * it, as oclif does with arguments and flags that are missing.
 */
function oneLine(message: string): string {
  const [first = '', ...others] = message.split('\n').map((line) => line.trim());
  if (!first.endsWith(':')) return first;
  const listed = others
    .filter((line) => line !== '' && !line.startsWith('See more help'))
    .map((line) => line.replace(/ {2,}/, ', '))
    .join('; ');
  return /^The following errors? occurred:$/.test(first) ? listed : `${first} ${listed}`;
}

/** The exit code that an error of oclif's carries. */
function oclifExitOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('oclif' in error)) return undefined;
  const { oclif } = error;
  return typeof oclif === 'object' &&
    oclif !== null &&
    'exit' in oclif &&
    typeof oclif.exit === 'number'
    ? oclif.exit
    : undefined;
}
