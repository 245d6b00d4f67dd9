import { quantity } from '@reto3/core';
import { sourceOf } from '../answers.ts';
import { backUp } from '../backup.ts';
import { defineCommand } from '../command.ts';
import { sourceFlags } from '../flags.ts';
import { noteOnStderr } from '../terminal/notes.ts';
import { printLine } from '../terminal/standard-streams.ts';

export default defineCommand({
  summary: 'Back up all counts into one file',
  description:
    'The server keeps counting. The backup holds every message that it answered before you asked and, for a server that merges a cluster, what it has read from the nodes. The file is written atomically, synced to disk, and replaces one of that name. Restore it with reto3 restore.',
  args: {
    file: { description: 'file to write', required: true },
  },
  flags: {
    ...sourceFlags,
    json: { description: 'print what was written as JSON' },
  },
  examples: ['reto3 backup counts.reto3', 'reto3 backup counts.reto3 --data-dir ./data'],
  run: async (flags, { file }) => {
    const { rows, bytes } = await backUp(sourceOf(flags), file);
    if (flags.json) printLine(JSON.stringify({ file, rows, bytes }));
    else noteOnStderr(`wrote ${file}: ${quantity(rows, 'row')}, ${quantity(bytes, 'byte')}`);
  },
});
