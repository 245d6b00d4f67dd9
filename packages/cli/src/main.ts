/**
 * Runs one command and turns whatever happens into output and exit code: data on stdout, everything
 * else on stderr, one line for an error, with its cure.
 */
import { exitCode, messageOf, Reto3Error } from '@reto3/server/errors';
import { runDirectly } from './direct.ts';

export async function main(args: string[]): Promise<void> {
  // The reader of a pipe (| head) may leave when it has enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? exitCode.done : exitCode.failed);
  });
  try {
    if (await runDirectly(args)) return;
    const { run } = await import('@oclif/core');
    await run(args, import.meta.url);
  } catch (error) {
    process.exitCode = await report(error, args);
  }
}

/** Prints the error as one line on stderr and returns the exit code. */
async function report(error: unknown, args: readonly string[]): Promise<number> {
  if (error instanceof Reto3Error) {
    process.stderr.write(`reto3: ${error.message} (${error.hint})\n`);
    return error.exitCode;
  }
  const code = oclifExitOf(error);
  // Help and --version leave through an error too.
  if (code === exitCode.done) return code;
  const line = (await clearerWords(error)) ?? oneLine(messageOf(error));
  // Of help and what it was asked about there is no help.
  const of = args[0] === 'help' ? [] : args;
  const firstFlag = of.findIndex((arg) => arg.startsWith('-'));
  const command = of.slice(0, firstFlag === -1 ? 2 : Math.min(firstFlag, 2));
  const hint = code === exitCode.usage ? ` (see ${['reto3', ...command].join(' ')} --help)` : '';
  process.stderr.write(`reto3: ${line}${hint}\n`);
  return code ?? exitCode.failed;
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

/** Better words than oclif's for a flag that is not there, and an argument that is missing. */
async function clearerWords(error: unknown): Promise<string | undefined> {
  if (!(error instanceof Error) || !('flags' in error || 'args' in error)) return undefined;
  const { missingArguments, unknownFlag } = await import('./did-you-mean.ts');
  return unknownFlag(error) ?? missingArguments(error);
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
