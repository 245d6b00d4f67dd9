/**
 * Runs the commands that are started often, or stay, without loading oclif: `stats` and `health` are
 * three times as quick for it, and `serve` keeps 16 MB less. What they do is what the commands of
 * oclif in commands/ call, with the same flags.
 */
import { periodNamed, sec } from '@reto3/core';
import { type FlagTable, type Given, healthFlags, statsFlags } from './flags.ts';
import { parseFlags } from './parse-flags.ts';

const versionWords: ReadonlySet<string> = new Set(['--version', '-v', 'version']);

/**
 * Resolves with false where nothing was done, because oclif has to run, refuse or explain this.
 * @throws Reto3Error what the command throws
 */
export async function runDirectly(args: readonly string[]): Promise<boolean> {
  const [command, ...others] = args;
  if (command === 'stats') {
    const [first] = others;
    const isFlag = first === undefined || first.startsWith('-');
    const period = isFlag ? sec : periodNamed(first);
    if (period === undefined) return false;
    const { stats } = await import('./stats.ts');
    const flags = isFlag ? others : others.slice(1);
    return runWith(statsFlags, flags, (given) => stats(period.name, given));
  }
  if (command !== undefined && versionWords.has(command) && others.length === 0) {
    const { versionLine } = await import('./version.ts');
    process.stdout.write(`${versionLine()}\n`);
    return true;
  }
  if (command === 'health') {
    const { health } = await import('./health.ts');
    return runWith(healthFlags, others, health);
  }
  if (command === 'serve') {
    const [{ serve }, { configOf, serveFlags }] = await Promise.all([
      import('./serve.ts'),
      import('./serve-flags.ts'),
    ]);
    return runWith(serveFlags, others, (given) => serve(configOf(given)));
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
