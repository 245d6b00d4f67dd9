/**
 * Runs the commands that are started often, or stay, without loading oclif: `stats` and `health` are
 * three times as quick for it, and `serve` keeps 16 MB less. What they do is what the commands of
 * oclif in commands/ call, with the same flags.
 */
import { isPeriodName } from '@reto3/server/period';
import { type FlagTable, type Given, healthFlags, statsFlags } from './flags.ts';
import { parseFlags } from './parse-flags.ts';

/**
 * Resolves with false where nothing was done, because oclif has to run, refuse or explain this.
 * @throws Reto3Error what the command throws
 */
export async function runDirectly(args: readonly string[]): Promise<boolean> {
  const [command, topic, ...flags] = args;
  if (command === 'stats' && topic !== undefined && isPeriodName(topic)) {
    const { stats } = await import('./stats.ts');
    return runWith(statsFlags, flags, (given) => stats(topic, given));
  }
  if (command === '--version' && topic === undefined) {
    const { versionLine } = await import('./version.ts');
    process.stdout.write(`${versionLine()}\n`);
    return true;
  }
  if (command === 'health') {
    const { health } = await import('./health.ts');
    return runWith(healthFlags, args.slice(1), health);
  }
  if (command === 'serve') {
    const [{ serve }, { configOf, serveFlags }] = await Promise.all([
      import('./serve.ts'),
      import('./serve-flags.ts'),
    ]);
    return runWith(serveFlags, args.slice(1), (given) => serve(configOf(given)));
  }
  return false;
}

async function runWith<Table extends FlagTable>(
  table: Table,
  args: readonly string[],
  run: (given: Given<Table>) => Promise<void>,
): Promise<boolean> {
  const given = parseFlags(table, args, process.env);
  if (given === undefined) return false;
  await run(given);
  return true;
}
