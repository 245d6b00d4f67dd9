/**
 * What can be completed: the commands with their arguments, their flags, and what those can be. Made
 * of what the commands say of themselves, so that nothing is listed twice.
 */
import type { Config } from '@oclif/core';
import { periodNames } from '@reto3/core';
import { builtInNames } from '@reto3/reports/names';

/** What an argument or a flag can be; nothing for what only the user knows. */
export interface Values {
  readonly words: readonly string[];
  readonly files: boolean;
}

export interface Flag {
  /** With their dashes; the first is the one to offer. */
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

export function vocabularyOf({ commands, bin }: Config): CommandVocabulary[] {
  const shown = commands.filter(({ hidden, id }) => !hidden && !id.includes(':'));
  const argValues: Readonly<Record<string, Values>> = {
    command: { words: shown.map(({ id }) => id), files: false },
    file: anyFile,
    name: { words: [...builtInNames], files: false },
    period: { words: periodNames, files: false },
    report: { words: ['count', ...builtInNames], files: true },
    shell: { words: shells, files: false },
  };
  return shown
    .map(({ id, summary, description, args, flags }) => ({
      name: id,
      summary: (summary ?? description ?? '').replace('<%= config.bin %>', bin).replace(/\.$/, ''),
      args: Object.entries(args).map(([name, { options }]) =>
        options === undefined
          ? (argValues[name] ?? unknown)
          : { words: options.filter((option) => option !== ''), files: false },
      ),
      flags: Object.entries(flags).map(([name, flag]): Flag => {
        const others = [...(flag.aliases ?? []).map((alias) => `--${alias}`)];
        return {
          names: [`--${name}`, ...(flag.char === undefined ? [] : [`-${flag.char}`]), ...others],
          description: flag.summary ?? flag.description ?? '',
          values: flag.type === 'option' ? valuesNamed(flag.helpValue) : undefined,
        };
      }),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @param help how the help calls the value: what it can be, or FILE and the like */
function valuesNamed(help: string | string[] | undefined): Values {
  const name = String(help ?? '');
  if (name.includes('|')) return { words: name.split('|'), files: false };
  if (name === 'REPORT') return { words: [...builtInNames], files: true };
  return ['FILE', 'FOLDER', 'MODULE'].includes(name) ? anyFile : unknown;
}
