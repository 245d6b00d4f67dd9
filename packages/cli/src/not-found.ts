/**
 * oclif's hook for a command that is not there, also where one that takes no arguments got some. In place of plugin-not-found, which asks on the
 * terminal and runs what it guessed, says nothing of its guess to a script, and exits with 127.
 */
import type { Hook } from '@oclif/core';
import { exitCode, Reto3Error } from '@reto3/server/errors';
import { didYouMean } from './did-you-mean.ts';

export const notFound: Hook.CommandNotFound = async ({ id, config }) => {
  // oclif takes all words before the first flag for the command; most have one.
  const [written = '', ...others] = id.split(/[: ]/);
  const names = config.commands
    .filter(({ hidden }) => !hidden)
    .map((command) => command.id.split(':', 1).join());
  const error = names.includes(written)
    ? new Reto3Error(
        'RETO3_BAD_COMMAND',
        `got "${others.join(' ')}" behind reto3 ${written}, which takes no arguments`,
        { hint: `see reto3 ${written} --help` },
      )
    : new Reto3Error(
        'RETO3_BAD_COMMAND',
        `there is no command "${written}"${didYouMean(written, names)}`,
      );
  // oclif drops what a hook throws without an exit code of its own.
  throw Object.assign(error, { oclif: { exit: exitCode.usage } });
};
