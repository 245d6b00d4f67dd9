import { settingReader, settings } from '@reto3/server/settings';
import { defineCommand } from '../command.ts';
import { readingFlags } from '../flags.ts';
import { logOptionsOf } from '../log-source.ts';
import { keepFilesPrivate } from '../private-files.ts';

export default defineCommand({
  summary: 'Show logs, or a data folder, in the dashboard',
  description:
    'Counts the logs into a temporary folder, serves the dashboard on a free port of this machine and prints its address, until Ctrl-C; then the folder is removed. A data folder is served as it is; no server may be using it.',
  args: {
    file: {
      description: 'log to read, plain or compressed, or one data folder; - is stdin; repeatable',
      required: true,
      repeatable: true,
    },
  },
  flags: {
    port: {
      description: 'port of the dashboard, on 127.0.0.1',
      shownDefault: 'a free one',
      value: 'PORT',
    },
    ...readingFlags,
  },
  examples: ['reto3 view access.log', 'reto3 view results.jtl --at end', 'reto3 view ./data'],
  run: async (flags, { file: names }) => {
    keepFilesPrivate();
    const { read } = settingReader({ port: flags.port ?? '0' }, {});
    const { view } = await import('../view.ts');
    await view(names, logOptionsOf(flags), read(settings.port));
  },
});
