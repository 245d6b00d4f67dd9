/** `reto3 serve --config` and `reto3 config`, as a user sees them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Server } from '../support/server.ts';

async function fileWith(content: string): Promise<string> {
  const file = join(await temporaryFolder(), 'reto3.yaml');
  await writeFile(file, content);
  return file;
}

test('a server takes its settings from a file, and flags override them', async () => {
  const file = await fileWith('node: from-file\nport: 1 # overridden\nworkers: 2\n');
  const dataDir = await temporaryFolder();
  const server = await Server.start({ dataDir, flags: ['--config', file] });
  expect(await askInfo(server.adminUrl)).toMatchObject({ node: 'from-file', workers: 2 });
  await server.stop();
  const again = await Server.start({ dataDir, env: { RETO3_CONFIG: file, RETO3_NODE: 'other' } });
  expect(await askInfo(again.adminUrl)).toMatchObject({ node: 'other', workers: 2 });
});

test('the check and the server name a mistake with its line', async () => {
  const file = await fileWith('# a comment\nworkers: many\n');
  const said = `reto3: got workers "many" in ${file}:2, want a whole number from 1 to 256 (see reto3 serve --help) [RETO3_BAD_SETTING]\n`;
  const wanted = { code: 2, stdout: '', stderr: said };
  expect(await runCli(['config', '--check', file])).toEqual(wanted);
  expect(await runCli(['serve', '--config', file])).toEqual(wanted);
});

test('the check confirms a valid file', async () => {
  const file = await fileWith('port: 9000\nadmin-port: 9001\n');
  const wanted = { code: 0, stdout: `${file} is valid: 2 settings\n`, stderr: '' };
  expect(await runCli(['config', '--check', file])).toEqual(wanted);
});

test('the schema accepts what a server accepts, and refuses unknown names, types and choices', async () => {
  const { code, stdout } = await runCli(['config', '--schema']);
  expect(code).toBe(0);
  const validate = new Ajv({ allowUnionTypes: true, strictTypes: true }).compile(
    JSON.parse(stdout),
  );
  const content = { port: 9_000, archive: true, report: ['lag'], 'retain-ms10': '2d' };
  expect(validate(content)).toBe(true);
  for (const bad of [{ prot: 1 }, { archive: 'maybe' }, { ack: 'soon' }, { port: [1] }])
    expect([bad, validate(bad)]).toEqual([bad, false]);
});
