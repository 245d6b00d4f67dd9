/** Folders of other programs and of other users. */
import { chown, mkdir, mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { FolderWriter } from '../coordinator/folder-writer.ts';
import { openDatabase } from '../store/database.ts';
import { HeldFolder } from '../store/held-folder.ts';
import { makeMergerFolder } from '../testing/merger-folder.ts';
import { VirtualServer } from '../testing/virtual-server.ts';
import { DataFolder } from './data-folder.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11);

let base: string;
let folder: string;
let merger: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'reto3-data-folder-'));
  [folder, merger] = [join(base, 'data'), join(base, 'data', 'cluster')];
});

afterEach(() => rm(base, { recursive: true }));

/** A data folder with a second of counts. */
async function makeServerFolder(path: string): Promise<void> {
  const server = await VirtualServer.in(path, startMs);
  await server.count(1);
  await server.stop();
}

/** All entries of the database. */
async function rowsIn(path: string): Promise<string[]> {
  const database = await openDatabase(path);
  try {
    const all = await database.iterator({ keyEncoding: 'hex', valueEncoding: 'hex' }).all();
    return all.map((entry) => entry.join(' '));
  } finally {
    await database.close();
  }
}

it.each<[string, (path: string) => Promise<unknown>]>([
  ['a reader', (path) => DataFolder.with(path, async () => 0)],
  ['an import', (path) => FolderWriter.open(path)],
  ['a server', (path) => new HeldFolder(path).openStore()],
  ['a view', (path) => new HeldFolder(path).openExistingStore()],
])("%s refuses a merger's folder, names the cure, and changes no row", async (_, open) => {
  await makeMergerFolder(merger, startMs);
  const before = await rowsIn(merger);
  await expect(open(merger)).rejects.toMatchObject({
    code: 'RETO3_DATA_UNREADABLE',
    message: `cannot open the data folder ${merger}: got a merger's folder, want a server's`,
    hint: expect.stringMatching(`^give ${folder}, with --cluster .*: the merger fills a new one`),
  });
  expect(await rowsIn(merger)).toEqual(before);
});

it("refuses a merger's folder that was moved, and says where it belongs", async () => {
  await makeMergerFolder(folder, startMs);
  await expect(DataFolder.with(folder, async () => 0)).rejects.toMatchObject({
    hint: expect.stringMatching(/^to read it, put it into a data folder as "cluster"/),
  });
});

it("a merger refuses a server's folder, whether its counts are in rows or in a journal", async () => {
  await makeServerFolder(folder);
  await expect(new HeldFolder(folder, 'merger').openStore()).rejects.toMatchObject({
    message: expect.stringContaining("got a server's data folder, want a merger's"),
  });
  await DataFolder.with(folder, async ({ recovered }) => expect(recovered.messages).toBe(7));
});

it('reads the counts of the cluster, or says that there are none', async () => {
  await makeServerFolder(folder);
  const read = () => DataFolder.ofScope(folder, 'cluster', async (data) => data.recovered.messages);
  await expect(read()).rejects.toMatchObject({
    code: 'RETO3_DATA_UNREADABLE',
    hint: 'name the --data-dir of a server that merges, or leave out --cluster',
  });
  await makeMergerFolder(merger, startMs);
  expect(await read()).toBe(130 * 7);
  expect(await DataFolder.ofScope(folder, 'node', async (data) => data.recovered.messages)).toBe(7);
  await rm(join(merger, 'CURRENT'));
  await expect(read()).rejects.toMatchObject({
    code: 'RETO3_DATA_CORRUPT',
    hint: expect.stringContaining('the merger fills a new one'),
  });
});

it('makes no database in an archive', async () => {
  const archive = join(folder, 'archive');
  await mkdir(join(archive, 'segments'), { recursive: true });
  const hint = `name the data folder above it, ${folder}`;
  await expect(new HeldFolder(archive).openStore()).rejects.toMatchObject({ hint });
  await expect(DataFolder.with(archive, async () => 0)).rejects.toMatchObject({ hint });
  expect(await readdir(archive)).toEqual(['segments']);
});

const isRoot = process.platform === 'linux' && process.geteuid?.() === 0;

it.runIf(isRoot)('reads a folder whose owner is unknown to the container', async () => {
  await makeServerFolder(folder);
  await chown(folder, 65_534, 65_534);
  const handle = await open(folder);
  const unknown = Object.assign(new Error('EINVAL: invalid argument, fchown'), { code: 'EINVAL' });
  const chowned = vi.spyOn(Object.getPrototypeOf(handle), 'chown').mockRejectedValue(unknown);
  await handle.close();
  onTestFinished(() => void chowned.mockRestore());
  expect(await DataFolder.with(folder, async ({ recovered }) => recovered.messages)).toBe(7);
  expect(chowned).toHaveBeenCalled();
});

it.runIf(isRoot)('leaves the files of a folder to its owner if root reads or imports', async () => {
  await makeServerFolder(folder);
  const owner = 65_534;
  for (const path of [folder, ...(await readdir(folder)).map((name) => join(folder, name))])
    await chown(path, owner, owner);
  const writer = await FolderWriter.open(folder);
  await writer.close();
  await DataFolder.with(folder, async () => 0);
  for (const name of await readdir(folder))
    expect([name, (await stat(join(folder, name))).uid]).toEqual([name, owner]);
  expect((await readdir(folder)).length).toBeGreaterThan(5);
});
