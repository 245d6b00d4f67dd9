/**
 * Describes the commands to oclif, for `--help`, `reto3 help`, `reto3 autocomplete` and
 * docs/cli.md. oclif never runs them and never parses for them, because loading it takes longer
 * than they take (docs/decisions/0004-start-of-a-command.md).
 */
import { Args, Flags, Command as OclifCommand } from '@oclif/core';
import { type ArgumentTable, type Command, loadAll } from './command.ts';
import { commands as table } from './commands.ts';
import type { FlagTable } from './flags.ts';

/** By name, as oclif's `explicit` strategy requires. */
export const commands: Readonly<Record<string, typeof OclifCommand>> = Object.fromEntries(
  (await loadAll(table)).map(([name, command]) => [name, describedToOclif(command)]),
);

function describedToOclif(command: Command): typeof OclifCommand {
  const { summary, description, args, flags, examples } = command;
  return class extends OclifCommand {
    static override readonly summary = summary;
    static override readonly description = description;
    static override readonly args = oclifArgs(args);
    static override readonly flags = oclifFlags(flags);
    static override readonly examples = [...examples];
    // Prints an ellipsis behind the argument.
    static override readonly strict = !Object.values(args).some(({ repeatable }) => repeatable);

    async run(): Promise<void> {
      throw new Error('BUG: oclif ran a command that main.ts runs');
    }
  };
}

function oclifArgs(table: ArgumentTable) {
  const args = Object.entries(table).map(([name, { description, required, fallback }]) => {
    const known = { ...(required && { required }), ...(fallback && { default: fallback }) };
    return [name, Args.string({ description, ...known })];
  });
  return Object.fromEntries(args);
}

function oclifFlags(table: FlagTable) {
  const flags = Object.entries(table).map(
    ([name, { value, fallback, shownDefault, impliedValue, repeatable, alias, ...others }]) => {
      const rest = { ...others, ...(alias !== undefined && { aliases: [alias] }) };
      if (value === undefined) return [name, Flags.boolean(rest)];
      const valued = { ...rest, helpValue: value };
      if (repeatable)
        return [name, Flags.string({ ...valued, multiple: true, multipleNonGreedy: true })];
      const preset = {
        ...(fallback !== undefined && { default: fallback }),
        ...(shownDefault !== undefined && { defaultHelp: async () => shownDefault }),
      };
      return [name, Flags.string({ ...valued, ...preset })];
    },
  );
  return Object.fromEntries(flags);
}
