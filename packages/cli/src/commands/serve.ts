import { Command } from '@oclif/core';
import { oclifFlags } from '../oclif-flags.ts';
import { serve } from '../serve.ts';
import { configOf, serveFlags } from '../serve-flags.ts';

export default class Serve extends Command {
  static override readonly summary = 'Take requests, count them, and answer queries';
  static override readonly description =
    'Every HTTP/1.1 request that is answered 200, whatever its method, path or body, is one message. The older build of uWebSockets.js, of which the log warns, answers nine methods only; neither build serves HTTP/1.0. Stops cleanly on SIGTERM, SIGINT and SIGHUP; a second SIGTERM or SIGINT, a second later or more, ends it at once.';
  static override readonly flags = oclifFlags(serveFlags);
  static override readonly examples = [
    '<%= config.bin %> serve',
    '<%= config.bin %> serve --port 9000 --data-dir /var/lib/reto3 --workers 4',
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(Serve);
    await serve(configOf(flags));
  }
}
