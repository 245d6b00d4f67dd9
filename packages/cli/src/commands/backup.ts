import { Args, Command, Flags } from '@oclif/core';
import { sourceOf } from '../answers.ts';
import { backUp } from '../backup.ts';
import { sourceFlags } from '../flags.ts';
import { oclifFlags } from '../oclif-flags.ts';

export default class Backup extends Command {
  static override readonly summary = 'Write everything that is counted into one file';
  static override readonly description =
    'Of a running server, which goes on counting: every message that it answered before is in it. The file is there when it is whole and on the disk; one of that name is replaced then. reto3 restore makes a data folder of it again.';
  static override readonly args = {
    file: Args.string({ description: 'file to write', required: true }),
  };
  static override readonly flags = {
    ...oclifFlags(sourceFlags),
    json: Flags.boolean({ description: 'print what was written as JSON' }),
  };
  static override readonly examples = [
    '<%= config.bin %> backup counts.reto3',
    '<%= config.bin %> backup counts.reto3 --data-dir ./data',
  ];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Backup);
    const { rows, bytes } = await backUp(sourceOf(flags), args.file);
    if (flags.json) this.log(JSON.stringify({ file: args.file, rows, bytes }));
    else this.logToStderr(`reto3: wrote ${args.file}: ${rows} rows, ${bytes} bytes`);
  }
}
