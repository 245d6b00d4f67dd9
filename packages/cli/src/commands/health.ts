import { Command } from '@oclif/core';
import { healthFlags } from '../flags.ts';
import { health } from '../health.ts';
import { oclifFlags } from '../oclif-flags.ts';

export default class Health extends Command {
  static override readonly summary =
    'Say whether the server accepts requests and keeps their counts';
  static override readonly description =
    'Exit code 0: it does. 1: it does not, with the reason. 3: it is not reachable. Made for health checks.';
  static override readonly flags = oclifFlags(healthFlags);
  static override readonly examples = [
    '<%= config.bin %> health',
    '<%= config.bin %> health --json',
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(Health);
    await health(flags);
  }
}
