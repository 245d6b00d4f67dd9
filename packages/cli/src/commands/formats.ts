import { defineCommand } from '../command.ts';
import { printLine } from '../terminal/standard-streams.ts';
import { tableLines } from '../terminal/table.ts';

export default defineCommand({
  summary: 'List the log formats that reto3 can read',
  description:
    'Prints for each format its name, the moment of a request that its time stamp marks, the resolution of its clock, what writes it, and an example line. Lines may also carry the prefix of Docker, Kubernetes, syslog or docker compose.',
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
    const lines = tableLines(rows);
    const described = formats.flatMap(({ example }, index) => [lines[index], `  ${example}`]);
    printLine(described.join('\n'));
  },
});
