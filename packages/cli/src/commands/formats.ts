import { Command } from '@oclif/core';
import type { FlagTable } from '../flags.ts';
import { oclifFlags } from '../oclif-flags.ts';
import { tableLines } from '../terminal/table.ts';

const table = {
  json: { description: 'print them as JSON' },
} as const satisfies FlagTable;

export default class Formats extends Command {
  static override readonly summary = 'List the log formats that --log and --log-format know';
  static override readonly description =
    'Its name, how finely its clock ticks, which moment of a request its stamp marks, what writes it, and with --json an example line. Docker, Kubernetes, syslog and docker compose may have put their own in front of any of them.';
  static override readonly flags = oclifFlags(table);
  static override readonly examples = ['<%= config.bin %> formats'];

  async run(): Promise<void> {
    const { flags } = await this.parse(Formats);
    const { formats } = await import('@reto3/sources');
    const known = formats.map(({ name, title, resolution, moment, example }) => ({
      name,
      title,
      resolution,
      moment,
      example,
    }));
    if (flags.json) this.log(JSON.stringify(known));
    else
      this.log(
        tableLines(
          known.map(({ name, resolution, moment, title }) => [name, moment, resolution, title]),
        ).join('\n'),
      );
  }
}
