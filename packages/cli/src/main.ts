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
  const firstLine = (await clearerWords(error)) ?? messageOf(error).split('\n', 1)[0];
  // Of help and what it was asked about there is no help.
  const of = args[0] === 'help' ? [] : args;
  const firstFlag = of.findIndex((arg) => arg.startsWith('-'));
  const command = of.slice(0, firstFlag === -1 ? 2 : Math.min(firstFlag, 2));
  const hint = code === exitCode.usage ? ` (see ${['reto3', ...command].join(' ')} --help)` : '';
  process.stderr.write(`reto3: ${firstLine}${hint}\n`);
  return code ?? exitCode.failed;
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
