/**
 * The words that a shell can complete: commands, arguments, flags and their values. Derived from
 * the tables of the commands.
 */
import { periodNames } from '@reto3/core';
import { builtInNames, byKeys } from '@reto3/reports/names';
import type { NamedCommand } from '../command.ts';
import { recipes } from '../recipes.ts';

/** The values to offer; empty if only the user knows them. */
export interface Values {
  readonly words: readonly string[];
  readonly files: boolean;
}

export interface Flag {
  /** With dashes. Completion offers the first. */
  readonly names: readonly [string, ...string[]];
  readonly description: string;
  /** Undefined for a switch. */
  readonly values: Values | undefined;
}

export interface CommandVocabulary {
  readonly name: string;
  readonly summary: string;
  readonly args: readonly Values[];
  readonly flags: readonly Flag[];
}

export const shells = ['bash', 'zsh', 'fish'] as const;

const unknown: Values = { words: [], files: false };
const anyFile: Values = { words: [], files: true };

/** The commands of oclif's plugins, listed here because completion must not load oclif. */
const oclifCommands = (names: readonly string[]): readonly CommandVocabulary[] => [
  {
    name: 'autocomplete',
    summary: 'Display autocomplete installation instructions',
    args: [{ words: ['zsh', 'bash', 'powershell'], files: false }],
    flags: [{ names: ['--refresh-cache', '-r'], description: 'Refresh cache', values: undefined }],
  },
  {
    name: 'help',
    summary: 'Display help for reto3',
    args: [{ words: names, files: false }],
    flags: [
      {
        names: ['--nested-commands', '-n'],
        description: 'Include all nested commands in the output',
        values: undefined,
      },
    ],
  },
];

export function vocabularyOf(commands: readonly NamedCommand[]): CommandVocabulary[] {
  const own = commands.map(([name, { summary, args, flags }]) => ({
    name,
    summary,
    args: Object.keys(args).map((argument) => argumentValues[argument] ?? unknown),
    flags: Object.entries(flags).map(([flag, { char, alias, description, value }]): Flag => {
      const others = [...(char ? [`-${char}`] : []), ...(alias ? [`--${alias}`] : [])];
      return {
        names: [`--${flag}`, ...others],
        description,
        values: value === undefined ? undefined : valuesNamed(value),
      };
    }),
  }));
  return [...own, ...oclifCommands(own.map(({ name }) => name))];
}

/** Headers have too many names to complete. */
const builtIn = [...builtInNames, ...byKeys.map((key) => `by:${key}`)];

/** By name of the argument. */
const argumentValues: Readonly<Record<string, Values>> = {
  file: anyFile,
  name: { words: builtIn, files: false },
  period: { words: periodNames, files: false },
  recipe: { words: recipes.map(({ name }) => name), files: false },
  report: { words: ['count', ...builtIn], files: true },
  shell: { words: shells, files: false },
};

/** @param name the placeholder in the help: the choices, or FILE and the like */
function valuesNamed(name: string): Values {
  if (name.includes('|')) return { words: name.split('|'), files: false };
  if (name === '[KEY]') return { words: byKeys, files: false };
  if (name === 'REPORT') return { words: builtIn, files: true };
  return ['FILE', 'FOLDER', 'MODULE'].includes(name) ? anyFile : unknown;
}
