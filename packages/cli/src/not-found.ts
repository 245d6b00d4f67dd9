/**
 * oclif's hook for a command that is not there. In place of plugin-not-found, which asks on the
 * terminal and runs what it guessed, says nothing of its guess to a script, and exits with 127.
 */
import type { Hook } from '@oclif/core';
import { exitCode, Reto3Error } from '@reto3/server/errors';
import { didYouMean } from './did-you-mean.ts';

export const notFound: Hook.CommandNotFound = async ({ id, config }) => {
  // oclif takes all words before the first flag for the command; most have one.
  const [written = ''] = id.split(/[: ]/);
  const names = config.commands
    .filter(({ hidden }) => !hidden)
    .map((command) => command.id.split(':', 1).join());
  const guess = didYouMean(written, names);
  const error = new Reto3Error('RETO3_BAD_COMMAND', `there is no command "${written}"${guess}`);
  // oclif drops what a hook throws without an exit code of its own.
  throw Object.assign(error, { oclif: { exit: exitCode.usage } });
};
