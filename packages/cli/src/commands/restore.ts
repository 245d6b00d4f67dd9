import { restoreBackup } from '../backup.ts';
import { defineCommand } from '../command.ts';
import { noteOnStderr } from '../terminal/notes.ts';
import { printLine } from '../terminal/standard-streams.ts';

export default defineCommand({
  summary: 'Restore a backup into a new data folder',
  description:
    'Checks the whole file before it writes, writes only into a new or empty folder, and audits the result. A server that you start on the folder gives the same counts.',
  args: {
    file: { description: 'file written by reto3 backup', required: true },
  },
  flags: {
    'data-dir': {
      description: 'folder to create, or an empty one',
      required: true,
      value: 'FOLDER',
    },
    json: { description: 'print what was restored as JSON' },
  },
  examples: ['reto3 restore counts.reto3 --data-dir ./restored'],
  run: async ({ 'data-dir': folder, json }, { file }) => {
    const { rows, messages } = await restoreBackup(file, folder);
    if (json) printLine(JSON.stringify({ folder, rows, messages }));
    else noteOnStderr(`restored ${folder}: ${rows} rows, ${messages} messages, audited`);
  },
});
