import { defineCommand } from '../command.ts';
import { printLine } from '../terminal/standard-streams.ts';
import { tableLines } from '../terminal/table.ts';

export default defineCommand({
  summary: 'List the log formats that reto3 can read',
  description:
    'Prints one line per format: its name, the moment of a request that its time stamp marks, the resolution of its clock, and what writes it; --json adds an example line. Each may also carry the prefix of Docker, Kubernetes, syslog or docker compose.',
  args: {},
  flags: {
    json: { description: 'print the formats as JSON' },
  },
  examples: ['reto3 formats'],
  run: async (flags) => {
    const { formats } = await import('@reto3/sources');
    if (flags.json) {
      const known = formats.map(({ name, title, resolution, moment, example }) => ({
        ...{ name, title, resolution, moment, example },
      }));
      printLine(JSON.stringify(known));
      return;
    }
    const rows = formats.map(({ name, moment, resolution, title }) => [
      ...[name, moment, resolution, title],
    ]);
    printLine(tableLines(rows).join('\n'));
  },
});
