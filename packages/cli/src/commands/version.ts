import { Command } from '@oclif/core';
import { versionLine } from '../version.ts';

export default class Version extends Command {
  static override readonly summary = 'Print the version, and what it would run on';
  static override readonly examples = ['<%= config.bin %> version', '<%= config.bin %> -v'];

  async run(): Promise<void> {
    await this.parse(Version);
    this.log(versionLine());
  }
}
