import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { loadAll } from '../command.ts';
import { commands } from '../commands.ts';
import { vocabularyOf } from './vocabulary.ts';

test.each(['autocomplete', 'help'])(
  "%s, of oclif's plugin, is completed with its own words",
  async (name) => {
    const folder = `../../node_modules/@oclif/plugin-${name}`;
    const manifest = new URL(`${folder}/oclif.manifest.json`, import.meta.url);
    const theirs = JSON.parse(await readFile(manifest, 'utf8')).commands[name];
    const vocabulary = vocabularyOf(await loadAll(commands));
    const ours = vocabulary.find((command) => command.name === name);
    const summary = theirs.summary ?? theirs.description;
    expect(ours?.summary).toBe(summary.replace('<%= config.bin %>', 'reto3').replace(/\.$/, ''));
    expect(ours?.args).toHaveLength(Object.keys(theirs.args).length);
    expect(ours?.flags.map(({ names }) => names[0])).toEqual(
      Object.keys(theirs.flags).map((flag) => `--${flag}`),
    );
  },
);
