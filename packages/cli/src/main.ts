/**
 * Runs one command and turns whatever happens into output and exit code: data on stdout, everything
 * else on stderr (print-error.ts).
 */
import { exitCode } from '@reto3/server/errors';
import { runDirectly } from './direct.ts';
import { printError } from './print-error.ts';

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
    process.exitCode = await printError(error, args);
  }
}
