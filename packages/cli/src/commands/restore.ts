import { quantity } from '@reto3/core';
import { settingReader, settings } from '@reto3/server/settings';
import { restoreBackup } from '../backup.ts';
import { defineCommand } from '../command.ts';
import { noteOnStderr } from '../terminal/notes.ts';
import { printLine } from '../terminal/standard-streams.ts';

export default defineCommand({
  summary: 'Restore a backup into a new data folder',
  description:
    'Checks the whole file before it writes, writes only into a new or empty folder, and audits the result. A server that you start on the folder gives the same counts; one that merges a cluster continues where the backup ends.',
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
  run: async ({ 'data-dir': dataDir, json }, { file }) => {
    const folder = settingReader({ 'data-dir': dataDir }, {}).read(settings.dataDir);
    const restored = await restoreBackup(file, folder);
    const { rows, messages, mergerRows } = restored;
    if (json) return printLine(JSON.stringify({ folder, ...restored }));
    const sum =
      mergerRows === undefined ? '' : `; ${mergerRows} of the rows are of a cluster's sum`;
    const restoredText = `${quantity(rows, 'row')}, ${quantity(messages, 'message')}`;
    noteOnStderr(`restored ${folder}: ${restoredText}, audited${sum}`);
  },
});
