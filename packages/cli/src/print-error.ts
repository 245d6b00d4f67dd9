/**
 * Prints an error as one line on stderr: what happened, its cure in brackets, its code in square
 * brackets. With --json the line is an object. The code is what scripts match on (docs/errors.md).
 */
import { type ErrorCode, messageOf, Reto3Error, singleLine } from '@reto3/core';
import { errorExitCode, exitCode } from './exit-code.ts';

/**
 * Prints an error and returns the exit code.
 * @param words the command line after `reto3`
 */
export function printError(error: unknown, words: readonly string[]): number {
  // oclif ends its help by throwing an error.
  if (oclifExitOf(error) === exitCode.done) return exitCode.done;
  return printReto3Error(reto3ErrorOf(error, words), words);
}

/** Prints an error of our own and returns the exit code. */
export function printReto3Error(error: Reto3Error, words: readonly string[]): number {
  const { code, message, hint } = error;
  const exit = errorExitCode[code];
  const cure = typingHint(code, words) ?? hint;
  const line = wantsJson(words)
    ? JSON.stringify({ code, message, hint: cure })
    : singleLine(`reto3: ${message} (${cure}) [${code}]`);
  process.stderr.write(`${line}\n`);
  return exit;
}

function reto3ErrorOf(error: unknown, words: readonly string[]): Reto3Error {
  if (error instanceof Reto3Error) return error;
  const message = firstLine(messageOf(error));
  // An error of `help` or `autocomplete`, the only commands that oclif parses.
  if (oclifExitOf(error) === exitCode.usage)
    return new Reto3Error(
      'RETO3_BAD_COMMAND',
      message.replace(notFound, 'there is no command "$1"'),
    );
  if (words[0] === 'autocomplete' && isSystemError(error)) {
    return new Reto3Error('RETO3_FILE_UNWRITABLE', `cannot write its cache: ${message}`, {
      cause: error,
      hint: 'set XDG_CACHE_HOME to a folder that you may write to, or use reto3 completion',
    });
  }
  return new Reto3Error('RETO3_INTERNAL', message, {
    hint: 'this is a bug in reto3; report it with the command that you ran',
  });
}

/** Whether the system refused something, such as to write a file. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

const notFound = /^Command (.+) not found\.$/;

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.trim() ?? '';
}

/** Whether the caller wants JSON. After a lone `--`, a flag is an argument. */
function wantsJson(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  const flags = end === -1 ? words : words.slice(0, end);
  return flags.some(
    (arg, at) =>
      arg === '--json' ||
      arg === '--format=json' ||
      (arg === 'json' && flags[at - 1] === '--format'),
  );
}

/** The cure for words that a shell has split or expanded; undefined for other errors. */
function typingHint(code: ErrorCode, words: readonly string[]): string | undefined {
  if (errorExitCode[code] !== exitCode.usage) return undefined;
  return quotingHint(words) ?? patternHint(code, words);
}

/**
 * The cure for a pattern without quotes, such as `--log *.log`. The shell makes several words of it,
 * and the second one is taken for an argument.
 */
function patternHint(code: ErrorCode, words: readonly string[]): string | undefined {
  if (code !== 'RETO3_BAD_COMMAND' && code !== 'RETO3_BAD_PERIOD') return undefined;
  const isSplit = words.some((word, at) => {
    const isSecond = words[at - 2] === '--log' || words[at - 1]?.startsWith('--log=') === true;
    return isSecond && /^[^-].*[./]/.test(word);
  });
  return isSplit ? '--log takes one file: repeat it, or put a pattern in quotes' : undefined;
}

/**
 * The cure for a time without quotes, such as `--from 2016-05-28 11:12`. The shell splits it into
 * two words, and the second one is taken for a period or a statement.
 */
function quotingHint(words: readonly string[]): string | undefined {
  for (const [at, time] of words.entries()) {
    const [, flag = words[at - 2], date] =
      /^(?:(--?\w+)=)?(\d{4}-\d{2}-\d{2})$/.exec(words[at - 1] ?? '') ?? [];
    if (date !== undefined && flag?.startsWith('-') && /^\d{1,2}:\d{2}/.test(time))
      return `quote a time that contains a space: ${flag} "${date} ${time}"`;
  }
  return undefined;
}

/** The exit code that an error of oclif contains. */
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
