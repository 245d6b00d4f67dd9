import { Args, Command } from '@oclif/core';
import { Reto3Error } from '@reto3/core';
import { bashScript, zshScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import { shells, vocabularyOf } from '../completion/vocabulary.ts';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export default class Completion extends Command {
  static override readonly summary = 'Print the script with which a shell completes reto3';
  static override readonly description =
    'Commands, flags, periods, formats, reports and files, in bash, zsh and fish. Read it where the shell starts, as below. For PowerShell see reto3 autocomplete.';
  static override readonly args = {
    shell: Args.string({ description: shells.join(', '), required: true }),
  };
  static override readonly examples = [
    { description: 'In ~/.bashrc', command: 'source <(<%= config.bin %> completion bash)' },
    { description: 'In ~/.zshrc', command: 'source <(<%= config.bin %> completion zsh)' },
    {
      description: 'Once, for fish',
      command: '<%= config.bin %> completion fish > ~/.config/fish/completions/reto3.fish',
    },
  ];

  async run(): Promise<void> {
    const { args } = await this.parse(Completion);
    const shell = shells.find((name) => name === args.shell);
    if (shell === undefined) {
      throw new Reto3Error(
        'RETO3_BAD_COMMAND',
        `got shell "${args.shell}", want one of ${shells.join(', ')}`,
        { hint: 'for PowerShell see reto3 autocomplete' },
      );
    }
    process.stdout.write(scripts[shell](vocabularyOf(this.config)));
  }
}
