/**
 * Data folders of every released version open and stay exact. tests/fixtures/released-VERSION has a
 * folder that this version wrote before `kill -9`, and its answers.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatVersion, openDatabase, seal, unseal } from '@reto3/engine';
import { metaKeys, sublevelNames } from '@reto3/engine/src/store/keys.ts';
import { expect, test } from 'vitest';
import { ask, askStats } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { keepForever, Server } from '../support/server.ts';
import { countsOf, sumOf } from '../support/windows.ts';

interface Expected {
  /** Counts by start of window, epoch ms; for ms10 only counts above 0. */
  readonly ms10: Readonly<Record<string, number>>;
  readonly sec: Readonly<Record<string, number>>;
  readonly min: Readonly<Record<string, number>>;
  /** Each report's rows of the period `sec`. */
  readonly reports: Readonly<Record<string, readonly (readonly unknown[])[]>>;
}

const fixtures = fileURLToPath(new URL('../fixtures', import.meta.url));
const released = (await readdir(fixtures)).filter((name) => name.startsWith('released-'));
const reports = ['lag', 'sizes', 'generated', 'top'].flatMap((name) => ['--report', name]);
const everything = 'from=0&open=true';

/** Unpacks a fixture. */
async function folderOf(name: string): Promise<{ dataDir: string; expected: Expected }> {
  const parent = await temporaryFolder();
  execFileSync('tar', ['-C', parent, '-xzf', join(fixtures, name, 'data.tar.gz')]);
  const expected = JSON.parse(await readFile(join(fixtures, name, 'expected.json'), 'utf8'));
  return { dataDir: join(parent, 'data'), expected };
}

function totalOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

async function expectCounts(adminUrl: string, expected: Expected): Promise<void> {
  for (const period of ['ms10', 'sec', 'min'] as const) {
    const counts = countsOf(await askStats(adminUrl, period, everything));
    for (const [start, count] of Object.entries(expected[period]))
      expect(counts.get(Number(start)), `${period} ${start}`).toBe(count);
    expect(sumOf(counts)).toBe(totalOf(expected[period]));
  }
}

test.each(released)('a folder of %s opens, is upgraded and stays exact', async (name) => {
  const { dataDir, expected } = await folderOf(name);
  const flags = ['--archive', ...reports, ...keepForever];
  // The second start reads what the first one upgraded.
  for (const _ of ['upgrade', 'again']) {
    const server = await Server.start({ dataDir, flags });
    await expectCounts(server.adminUrl, expected);
    for (const [report, rows] of Object.entries(expected.reports)) {
      const query = `period=sec&${everything}`;
      const { rows: now } = await ask(server.adminUrl, `/v1/reports/${report}`, query);
      // Columns of later versions come after the release's.
      const released = now.map((row, index) => row.slice(0, rows[index]?.length));
      expect(released).toEqual(rows);
    }
    expect((await server.stop()).code).toBe(0);
  }
  expect((await runCli(['audit', '--data-dir', dataDir])).code).toBe(0);
  const query = 'SELECT count(*) AS messages FROM messages';
  const archived = await runCli(['query', query, '--data-dir', dataDir, '--format', 'csv']);
  const total = totalOf(expected.min);
  expect(archived.stdout.split('\n')[1]).toBe(String(total));
});

test.each(released)('a folder of %s is readable without a server', async (name) => {
  const { dataDir, expected } = await folderOf(name);
  const { stdout } = await runCli([
    ...['stats', 'sec', '--from', '0', '--format', 'json', '--data-dir', dataDir],
  ]);
  const counts = countsOf(JSON.parse(stdout));
  for (const [start, count] of Object.entries(expected.sec))
    expect(counts.get(Number(start))).toBe(count);
});

const withBackup = released.filter((name) => existsSync(join(fixtures, name, 'backup.reto3')));

test.each(withBackup)('a backup of %s restores unchanged', async (name) => {
  const { expected } = await folderOf(name);
  const dataDir = join(await temporaryFolder(), 'restored');
  const backup = join(fixtures, name, 'backup.reto3');
  const restored = await runCli(['restore', backup, '--data-dir', dataDir]);
  expect(restored.code, restored.stderr).toBe(0);
  const flags = [...reports, ...keepForever];
  const server = await Server.start({ dataDir, flags });
  await expectCounts(server.adminUrl, expected);
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
