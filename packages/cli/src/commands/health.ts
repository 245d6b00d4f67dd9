import { Command } from '@oclif/core';
import { request } from '../api-client.ts';
import { apiFlags, apiOptionsOf } from '../flags.ts';

export default class Health extends Command {
  static override readonly summary =
    'Say whether the server accepts requests and keeps their counts';
  static override readonly description =
    'Exit code 0: it does. 1: it does not, with the reason. 3: it is not reachable. Made for health checks.';
  static override readonly flags = apiFlags;
  static override readonly examples = ['<%= config.bin %> health'];

  async run(): Promise<void> {
    const { flags } = await this.parse(Health);
    const response = await request(apiOptionsOf(flags), '/readyz', {});
    response.resume();
    this.log('ready');
  }
}
