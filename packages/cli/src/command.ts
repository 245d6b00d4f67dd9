/**
 * The definition of a command: its help texts, its arguments and flags as data, and its function.
 * main.ts runs it with Node's own parser; oclif.ts passes the same data to oclif, which only prints
 * the help. So neither this file nor anything that a command imports may import oclif.
 */
import type { FlagTable, Given } from './flags.ts';
import { parseWords } from './parse-words.ts';

interface Argument {
  readonly description: string;
  readonly required?: boolean;
  /** Taken if the argument is missing. */
  readonly fallback?: string;
  /** Takes all remaining words, at least one; only for the last argument. */
  readonly repeatable?: boolean;
}

/** By name, in the order of the command line. */
export type ArgumentTable = Readonly<Record<string, Argument>>;

export type GivenArguments<Table extends ArgumentTable> = {
  readonly [Name in keyof Table]: Table[Name] extends { readonly repeatable: true }
    ? readonly string[]
    : Table[Name] extends { readonly required: true } | { readonly fallback: string }
      ? string
      : string | undefined;
};

interface Description<Args extends ArgumentTable, Flags extends FlagTable> {
  /** Imperative, under 70 characters, without a full stop. */
  readonly summary: string;
  readonly description?: string;
  readonly args: Args;
  readonly flags: Flags;
  /** Shell commands, with an explanation if one is needed. */
  readonly examples: readonly (
    | string
    | { readonly description: string; readonly command: string }
  )[];
}

interface Definition<Args extends ArgumentTable, Flags extends FlagTable>
  extends Description<Args, Flags> {
  readonly run: (
    flags: Given<Flags>,
    args: GivenArguments<Args>,
    commands: CommandTable,
  ) => Promise<void>;
}

export interface Command extends Description<ArgumentTable, FlagTable> {
  /**
   * Parses the words after the command's name, and runs the command.
   * @param commands all commands, for one that describes the others
   * @throws Reto3Error RETO3_BAD_COMMAND, RETO3_BAD_FLAG, and what the command throws
   */
  readonly run: (name: string, words: readonly string[], commands: CommandTable) => Promise<void>;
}

/** By name. A command is loaded only when it is needed. */
export type CommandTable = Readonly<Record<string, () => Promise<{ readonly default: Command }>>>;

export type NamedCommand = readonly [name: string, command: Command];

/** Loads all commands, in the order of the table. */
export function loadAll(commands: CommandTable): Promise<NamedCommand[]> {
  const loads = Object.entries(commands).map(
    async ([name, load]): Promise<NamedCommand> => [name, (await load()).default],
  );
  return Promise.all(loads);
}

export function defineCommand<const Args extends ArgumentTable, const Flags extends FlagTable>(
  definition: Definition<Args, Flags>,
): Command {
  return {
    ...definition,
    run: async (name, words, commands) => {
      const { args, flags } = await parseWords(name, definition, words, process.env);
      await definition.run(flags, args, commands);
    },
  };
}
