import { settingReader, settings } from '@reto3/server/settings';
import { exitOnSignal } from '../clean-up.ts';
import { defineCommand } from '../command.ts';
import { readingFlags } from '../flags.ts';
import { logOptionsOf } from '../log-source.ts';
import { keepFilesPrivate } from '../private-files.ts';
import { descriptionOf } from '../serve-flags.ts';
import { printLine } from '../terminal/standard-streams.ts';

export default defineCommand({
  summary: 'Count logs of other programs into a data folder',
  description:
    'Counts each request in the windows of its own time. Run it again on the same log, a grown one, or a rotated or compressed copy: it adds only what is new. No server may be using the folder. Exit code 4: a log has no request.',
  args: {
    file: {
      description: 'log to read, plain or compressed; - is stdin; repeatable, patterns in quotes',
      required: true,
      repeatable: true,
    },
  },
  flags: {
    'data-dir': { description: descriptionOf(settings.dataDir), value: 'FOLDER' },
    ...readingFlags,
    keep: { description: 'also keep the messages, for query, replay and bursts --who' },
    json: { description: 'print what was read as JSON' },
  },
  examples: [
    'reto3 import /var/log/nginx/access.log --data-dir ./counts',
    {
      description: 'All rotated logs of a month',
      command: "reto3 import 'logs/access.log*' --data-dir ./counts",
    },
    {
      description: 'From another machine',
      command: 'ssh web1 cat access.log | reto3 import - --data-dir ./counts',
    },
  ],
  run: async (flags, { file: files }) => {
    exitOnSignal();
    keepFilesPrivate();
    const { importedJson, importLogs } = await import('../import.ts');
    const { read } = settingReader({ 'data-dir': flags['data-dir'] }, process.env);
    const logs = await importLogs(
      files,
      logOptionsOf(flags),
      read(settings.dataDir),
      flags.keep === true,
    );
    if (flags.json) printLine(JSON.stringify(importedJson(logs)));
  },
});
