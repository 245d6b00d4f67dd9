import { quantity, Reto3Error } from '@reto3/core';
import { configSchema, readConfigFile, resolveConfig } from '@reto3/server/settings';
import { defineCommand } from '../command.ts';
import { printLine } from '../terminal/standard-streams.ts';

export default defineCommand({
  summary: 'Check a configuration file, or print its schema',
  description:
    'Reads the file as reto3 serve --config reads it, with the variables of this environment, and starts nothing. If there is a mistake, prints the first one with its line, and exits with 2. Editors complete and check the file with the JSON schema: point them to it with "# yaml-language-server: $schema=reto3.schema.json" in the first line.',
  args: {},
  flags: {
    check: { description: 'check this file', value: 'FILE' },
    schema: { description: 'print the JSON schema of the file' },
  },
  examples: [
    'reto3 config --check /etc/reto3/reto3.yaml',
    'reto3 config --schema > reto3.schema.json',
  ],
  run: async ({ check, schema }) => {
    if (schema) printLine(JSON.stringify(configSchema(), null, 2));
    if (check !== undefined) {
      const inFile = await readConfigFile(check);
      resolveConfig({}, process.env, inFile);
      printLine(`${check} is valid: ${quantity(Object.keys(inFile).length, 'setting')}`);
    }
    if (!schema && check === undefined)
      throw new Reto3Error('RETO3_BAD_FLAG', 'got no flag, want --check FILE or --schema', {
        hint: 'see reto3 config --help',
      });
  },
});
