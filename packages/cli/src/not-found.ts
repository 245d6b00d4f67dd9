/**
 * oclif's hook for a command that is not there, also where one that takes no arguments got some.
 * In place of plugin-not-found, which asks on the terminal and runs what it guessed, says nothing
 * of its guess to a script, and exits with 127.
 */
import type { Hook } from '@oclif/core';
import { Reto3Error } from '@reto3/core';
import { didYouMean } from './did-you-mean.ts';
import { exitCode } from './exit-code.ts';

export const notFound: Hook.CommandNotFound = async ({ id, config }) => {
  // oclif takes all words before the first flag for the command; most have one.
  const words = id.split(/[: ]/);
  const [written = ''] = words;
  const extra = wordAfterCommand(words, config.commandIDs);
  if (extra !== undefined) throw usage(extra);
  const names = config.commands
    .filter(({ hidden }) => !hidden)
    .map((command) => command.id.split(':', 1).join());
  const guess = didYouMean(written, names);
  throw usage(new Reto3Error('RETO3_BAD_COMMAND', `there is no command "${written}"${guess}`));
};

/** What to say where the words begin with a command, which takes none of those that follow. */
function wordAfterCommand(
  words: readonly string[],
  ids: readonly string[],
): Reto3Error | undefined {
  const most = words.findLastIndex((_, index) => ids.includes(words.slice(0, index + 1).join(':')));
  const extra = words[most + 1];
  if (most === -1 || extra === undefined) return undefined;
  const command = ['reto3', ...words.slice(0, most + 1)].join(' ');
  return new Reto3Error('RETO3_BAD_COMMAND', `got "${extra}", which ${command} does not take`, {
    hint: `see ${command} --help`,
  });
}

/** oclif drops what a hook throws without an exit code of its own. */
function usage(error: Reto3Error): Reto3Error {
  return Object.assign(error, { oclif: { exit: exitCode.usage } });
}
