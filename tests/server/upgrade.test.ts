/**
 * Data folders of every released version open and stay exact. tests/fixtures/released-VERSION has a
 * folder that this version wrote before `kill -9`, and its answers.
 */
import { join } from 'node:path';
import { formatVersion, openDatabase, seal, unseal } from '@reto3/engine';
import { metaKeys, sublevelNames } from '@reto3/engine/src/store/keys.ts';
import {
  releasedFile,
  releasedFolders,
  unpackReleased,
} from '@reto3/engine/src/testing/released-folder.ts';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { expectReleased } from '../support/released.ts';
import { keepForever, Server } from '../support/server.ts';
import { countsOf } from '../support/windows.ts';

const released = releasedFolders();
const reports = ['lag', 'sizes', 'generated', 'top'].flatMap((name) => ['--report', name]);

test.each(released)('a folder of %s opens, is upgraded and stays exact', async (name) => {
  const { dataDir, answers } = unpackReleased(name, await temporaryFolder());
  const flags = ['--archive', ...reports, ...keepForever];
  // The second start reads what the first one upgraded.
  for (const _ of ['upgrade', 'again']) {
    const server = await Server.start({ dataDir, flags });
    await expectReleased(server, answers);
    expect((await server.stop()).code).toBe(0);
  }
  expect((await runCli(['audit', '--data-dir', dataDir])).code).toBe(0);
  const query = 'SELECT count(*) AS messages FROM messages';
  const archived = await runCli(['query', query, '--data-dir', dataDir, '--format', 'csv']);
  const total = Object.values(answers.min).reduce((sum, count) => sum + count, 0);
  expect(archived.stdout.split('\n')[1]).toBe(String(total));
});

test.each(released)('a folder of %s is readable without a server', async (name) => {
  const { dataDir, answers } = unpackReleased(name, await temporaryFolder());
  const { stdout } = await runCli([
    ...['stats', 'sec', '--from', '0', '--format', 'json', '--data-dir', dataDir],
  ]);
  const counts = countsOf(JSON.parse(stdout));
  for (const [start, count] of Object.entries(answers.sec))
    expect(counts.get(Number(start))).toBe(count);
});

test.each(released)('a backup of %s restores unchanged', async (name) => {
  const parent = await temporaryFolder();
  const { answers } = unpackReleased(name, parent);
  const dataDir = join(parent, 'restored');
  const backup = releasedFile(name, 'backup.reto3');
  const restored = await runCli(['restore', backup, '--data-dir', dataDir]);
  expect(restored.code, restored.stderr).toBe(0);
  const server = await Server.start({ dataDir, flags: [...reports, ...keepForever] });
  await expectReleased(server, answers);
  await server.stop();
});

test("a later version's folder is refused in one line, and stays unchanged", async () => {
  const dataDir = await temporaryFolder();
  await (await Server.start({ dataDir })).stop();
  const later = await withMeta(dataDir, (meta) => ({ ...meta, formatVersion: formatVersion + 1 }));
  const said = `cannot read the data folder: got format version ${formatVersion + 1}, of a later reto3, want format version 1 to ${formatVersion} (use that reto3, or restore a backup from before the upgrade) [RETO3_DATA_VERSION]\n`;
  const free = ['--port', '0', '--admin-port', '0'];
  for (const command of [['serve', ...free], ['stats', 'sec'], ['audit'], ['doctor', '--repair']]) {
    const { code, stdout, stderr } = await runCli([...command, '--data-dir', dataDir]);
    expect({ command, code, stdout }).toEqual({ command, code: 1, stdout: '' });
    expect(stderr).toContain(said);
  }
  expect(await withMeta(dataDir, (meta) => meta)).toBe(later);
});

/** Changes the folder's description of itself; resolves with the new text. */
async function withMeta(dataDir: string, change: (meta: object) => object): Promise<string> {
  const database = await openDatabase(dataDir, { create: false });
  const rows = database.sublevel<string, string>(sublevelNames.meta, { valueEncoding: 'utf8' });
  const before = unseal((await rows.get(metaKeys.node)) ?? '') ?? '{}';
  const text = seal(JSON.stringify(change(JSON.parse(before))));
  await rows.put(metaKeys.node, text);
  await database.close();
  return text;
}
