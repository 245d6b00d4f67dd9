import { defineCommand } from '../command.ts';
import { printLine } from '../terminal/standard-streams.ts';
import { versionLine } from '../version.ts';

export default defineCommand({
  summary: 'Print the versions of reto3, Node.js and uWebSockets.js',
  args: {},
  flags: {},
  examples: ['reto3 version', 'reto3 -v'],
  run: async () => printLine(versionLine()),
});
