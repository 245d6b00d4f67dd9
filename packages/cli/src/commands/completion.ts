import { Reto3Error } from '@reto3/core';
import { defineCommand, loadAll } from '../command.ts';
import { bashScript, zshScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import { shells, vocabularyOf } from '../completion/vocabulary.ts';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export default defineCommand({
  summary: 'Print the script that completes reto3 in your shell',
  description:
    'Completes commands, flags, periods, formats, reports and files in bash, zsh and fish. Load it when the shell starts, as below. For PowerShell see reto3 autocomplete.',
  args: {
    shell: { description: shells.join(', '), required: true },
  },
  flags: {},
  examples: [
    { description: 'In ~/.bashrc', command: 'source <(reto3 completion bash)' },
    { description: 'In ~/.zshrc', command: 'source <(reto3 completion zsh)' },
    {
      description: 'Once, for fish',
      command: 'reto3 completion fish > ~/.config/fish/completions/reto3.fish',
    },
  ],
  run: async (_, args, commands) => {
    const shell = shells.find((name) => name === args.shell);
    if (shell === undefined) {
      throw new Reto3Error(
        'RETO3_BAD_COMMAND',
        `got shell "${args.shell}", want one of ${shells.join(', ')}`,
        { hint: 'for PowerShell see reto3 autocomplete' },
      );
    }
    process.stdout.write(scripts[shell](vocabularyOf(await loadAll(commands))));
  },
});
