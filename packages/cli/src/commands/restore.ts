import { Args, Command, Flags } from '@oclif/core';
import { abortable } from '../clean-up.ts';
import { keepFilesPrivate } from '../private-files.ts';
import { withProgress } from '../terminal/progress.ts';

export default class Restore extends Command {
  static override readonly summary = 'Make a data folder of a backup';
  static override readonly description =
    'Reads the whole file and checks it before it writes, into an empty or new folder only, and audits what it wrote. A server that starts on the folder gives the same counts.';
  static override readonly args = {
    file: Args.string({ description: 'file that reto3 backup wrote', required: true }),
  };
  static override readonly flags = {
    'data-dir': Flags.string({
      description: 'folder to make; empty, or not there yet',
      required: true,
      helpValue: 'FOLDER',
    }),
    json: Flags.boolean({ description: 'print what was restored as JSON' }),
  };
  static override readonly examples = [
    '<%= config.bin %> restore counts.reto3 --data-dir ./restored',
  ];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Restore);
    keepFilesPrivate();
    const { restore } = await import('@reto3/engine');
    const folder = flags['data-dir'];
    const { rows, messages } = await abortable((signal) =>
      withProgress(`restoring ${folder}`, (update) => {
        const onRead = (bytes: number, ofBytes: number): void => update({ bytes, ofBytes });
        return restore(args.file, folder, Date.now(), onRead, signal);
      }),
    );
    if (flags.json) this.log(JSON.stringify({ folder, rows, messages }));
    else this.logToStderr(`reto3: restored ${folder}: ${rows} rows, ${messages} messages, audited`);
  }
}
