/**
 * Runs one command and turns its result into output and an exit code: data on stdout, everything
 * else on stderr (print-error.ts). oclif is loaded only for the help and `autocomplete`.
 */
import { Reto3Error } from '@reto3/core';
import { commands } from './commands.ts';
import { printError, printReto3Error } from './print-error.ts';
import { exitWithStdout, guardTerminal } from './terminal/standard-streams.ts';

/** The commands of oclif's plugins. */
const oclifCommands = ['autocomplete', 'help'];
const helpFlags: ReadonlySet<string> = new Set(['--help', '-h']);
const versionFlags: ReadonlySet<string> = new Set(['--version', '-v']);

/** @param words the command line after `reto3` */
export async function main(words: readonly string[]): Promise<void> {
  exitWithStdout((error) => printReto3Error(error, words));
  // The output of `autocomplete` has escape sequences and no foreign text.
  if (words[0] !== 'autocomplete')
    for (const stream of [process.stdout, process.stderr]) guardTerminal(stream);
  try {
    await run(words);
  } catch (error) {
    process.exitCode = printError(error, words);
  }
}

async function run(words: readonly string[]): Promise<void> {
  const [first = '--help', ...others] = words;
  const name = versionFlags.has(first) ? 'version' : first;
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined && !oclifCommands.includes(name) && !helpFlags.has(name)) {
    const { didYouMean } = await import('./did-you-mean.ts');
    const guess = didYouMean(name, [...Object.keys(commands), ...oclifCommands]);
    throw new Reto3Error('RETO3_BAD_COMMAND', `there is no command "${name}"${guess}`);
  }
  if (load === undefined || asksForHelp(words)) {
    const { run: runOclif } = await import('@oclif/core');
    await runOclif([...words], import.meta.url);
    return;
  }
  const { default: command } = await load();
  await command.run(name, others, commands);
}

/** After a lone `--`, a flag is an argument. */
function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  return words.slice(0, end === -1 ? words.length : end).some((word) => helpFlags.has(word));
}
