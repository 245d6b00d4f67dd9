/**
 * Runs one command and turns whatever happens into output and exit code: data on stdout, everything
 * else on stderr (print-error.ts).
 */
import { runDirectly } from './direct.ts';
import { printError, printReto3Error } from './print-error.ts';
import { endWithStdout, guardTerminal } from './terminal/standard-streams.ts';

export async function main(args: string[]): Promise<void> {
  endWithStdout((error) => printReto3Error(error, args));
  // It draws, and prints nothing of others.
  if (args[0] !== 'autocomplete')
    for (const stream of [process.stdout, process.stderr]) guardTerminal(stream);
  try {
    if (await runDirectly(args)) return;
    const { run } = await import('@oclif/core');
    await run(args, import.meta.url);
  } catch (error) {
    process.exitCode = await printError(error, args);
  }
}
