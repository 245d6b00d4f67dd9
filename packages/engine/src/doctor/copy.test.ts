/** Repairs that are interrupted, and the lock that they hold. */
import { spawnSync } from 'node:child_process';
import {
  cp,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { DataFolder } from '../query/data-folder.ts';
import { openDatabase } from '../store/database.ts';
import { whileLocked } from '../store/files/repair.ts';
import { isTable } from '../store/files/tables.ts';
import { HeldFolder } from '../store/held-folder.ts';
import { newMeta, seal } from '../store/meta.ts';
import { Store } from '../store/store.ts';
import { makeMergerFolder } from '../testing/merger-folder.ts';
import { perSecond, VirtualServer } from '../testing/virtual-server.ts';
import { beginRepair } from './copy.ts';
import { repair } from './repair.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11);
const nowMs = startMs + 600_000;
const never = new AbortController().signal;

const messages = 2 * 70 * perSecond;

let template: string;
let base: string;
let folder: string;

/** Two boots, so that LevelDB has a table. */
beforeAll(async () => {
  template = await mkdtemp(join(tmpdir(), 'reto3-template-'));
  for (const boot of [0, 1]) {
    const server = await VirtualServer.in(template, startMs + boot * 80_000);
    await server.count(70);
    await server.stop();
  }
});

afterAll(() => rm(template, { recursive: true }));

beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'reto3-copy-')));
  folder = join(base, 'data');
  await cp(template, folder, { recursive: true });
});

afterEach(() => rm(base, { recursive: true }));

async function contentOf(path: string): Promise<Map<string, string>> {
  const names = (await readdir(path)).filter((name) => name !== 'LOCK').sort();
  const read = async (name: string) => [name, await readFile(join(path, name), 'latin1')] as const;
  return new Map(await Promise.all(names.map(read)));
}

it('copies what a symbolic link leads to, but not the lost and found of a volume', async () => {
  const link = join(base, 'link');
  await symlink(folder, link);
  const before = await contentOf(folder);
  await mkdir(join(folder, 'lost+found'));
  const { copy } = await repair(link, nowMs);
  expect(await contentOf(copy)).toEqual(before);
  expect(await realpath(copy)).toBe(copy);
});

it('starts over from its copy after it was interrupted, and nothing opens the folder before', async () => {
  const copy = await beginRepair(folder, nowMs, never);
  const before = await contentOf(copy);
  // As far as a repair of a damaged table comes before it writes its intact rows.
  for (const name of (await readdir(folder)).filter(isTable)) await rm(join(folder, name));
  for (const open of [() => openDatabase(folder), () => DataFolder.with(folder, async () => 0)])
    await expect(open()).rejects.toMatchObject({
      code: 'RETO3_DATA_CORRUPT',
      message: expect.stringContaining('its repair is not complete'),
    });
  const done = await repair(folder, nowMs + 1);
  expect(done).toMatchObject({ copy, filesRepaired: undefined, dropped: [] });
  expect(done.gone).toEqual({ ms10: [], sec: [], min: [] });
  expect(done.audit.messages.min).toBe(messages);
  expect(await contentOf(copy)).toEqual(before);
  expect((await readdir(base)).sort()).toEqual(['data', copy.slice(base.length + 1)]);
  await DataFolder.with(folder, async ({ recovered }) => {
    expect(recovered.messages).toBe(messages);
  });
});

it('removes what a repair left that was killed while it copied, and nothing else', async () => {
  const others = ['data.before-repair-2016', 'data2.before-repair-2016.part', 'data.part'];
  others.push('data.before-repair-2016.before-repair-2017.part', 'data.before-repair-mine.part');
  for (const name of [...others, 'data.before-repair-2016.part']) await mkdir(join(base, name));
  const copy = await beginRepair(folder, nowMs, never);
  expect((await readdir(base)).sort()).toEqual(['data', basename(copy), ...others].sort());
});

it('starts over where folder and copy were moved, and refuses if the copy is gone', async () => {
  const copy = await beginRepair(folder, nowMs, never);
  const elsewhere = join(base, 'elsewhere');
  await mkdir(elsewhere);
  const [moved, movedCopy] = [join(elsewhere, 'data'), copy.replace(base, elsewhere)];
  await cp(folder, moved, { recursive: true });
  await expect(repair(moved, nowMs)).rejects.toMatchObject({
    code: 'RETO3_DATA_UNREADABLE',
    message: expect.stringContaining('was interrupted, and its copy cannot be read'),
  });
  await cp(copy, movedCopy, { recursive: true });
  expect(await repair(moved, nowMs)).toMatchObject({ copy: movedCopy, audit: { ok: true } });
});

it('brings back only files of the data folder, leaves others alone, and syncs what it wrote', async () => {
  const archive = join(base, 'other-disk');
  await mkdir(archive);
  await symlink(archive, join(folder, 'archive'));
  await beginRepair(folder, nowMs, never);
  await writeFile(join(folder, 'notes'), 'of a person');
  const handle = await open(join(folder, 'notes'));
  const sync = vi.spyOn(Object.getPrototypeOf(handle), 'sync');
  await handle.close();
  onTestFinished(() => void sync.mockRestore());
  await beginRepair(folder, nowMs, never);
  const names = await readdir(folder);
  expect(names).toEqual(expect.arrayContaining(['notes', 'archive']));
  expect(await realpath(join(folder, 'archive'))).toBe(archive);
  const others = ['notes', 'archive', 'LOCK', 'REPAIR'];
  const files = names.filter((name) => !others.includes(name));
  // And the folder.
  expect(sync).toHaveBeenCalledTimes(files.length + 1);
});

it('deletes nothing if the copy is empty', async () => {
  const copy = await beginRepair(folder, nowMs, never);
  await rm(copy, { recursive: true });
  await mkdir(copy);
  const before = await contentOf(folder);
  await expect(repair(folder, nowMs)).rejects.toMatchObject({
    code: 'RETO3_DATA_UNREADABLE',
    message: expect.stringContaining(`${copy} holds no counts`),
  });
  expect(await contentOf(folder)).toEqual(before);
});

it('never takes the folder itself for its copy', async () => {
  const copy = join(base, 'data.before-repair-2016');
  await cp(folder, copy, { recursive: true });
  for (const path of [folder, copy]) {
    await writeFile(join(path, 'REPAIR'), '\n');
    const before = await contentOf(path);
    await expect(repair(path, nowMs)).rejects.toMatchObject({
      code: 'RETO3_DATA_UNREADABLE',
      message: expect.stringContaining('is no copy of a repair'),
    });
    expect(await contentOf(path)).toEqual(before);
  }
});

/** What another process gets that opens LevelDB's files. */
function openElsewhere(): string {
  const program = `
    import { Level } from 'level';
    const level = new Level(process.argv[1]);
    await level.open().then(() => console.log('open'), (error) => console.log(error.cause.code));
  `;
  const args = ['--input-type=module', '--eval', program, folder];
  const { stdout } = spawnSync(process.execPath, args, {
    ...{ cwd: import.meta.dirname, encoding: 'utf8' },
  });
  return stdout.trim();
}

it('holds the lock while it copies, and again after LevelDB could not open the folder', async () => {
  await whileLocked(folder, async (renewLock) => {
    await beginRepair(folder, nowMs, never);
    expect(openElsewhere()).toBe('LEVEL_LOCKED');
    // A process loses its lock as soon as it closes any handle of the file.
    await readFile(join(folder, 'LOCK'));
    await renewLock();
    expect(openElsewhere()).toBe('LEVEL_LOCKED');
  });
});

it('keeps out a server whose store was failing, and so held no lock', async () => {
  const store = await new HeldFolder(folder).openStore();
  const written = await store.readMeta();
  if (written === undefined) throw new Error('no meta row');
  await store.close();
  await repair(folder, nowMs);
  await expect(store.reopen(written)).rejects.toThrow('another server wrote it');
});

it('does not blame a server if the folder cannot be locked for another reason', async () => {
  await rm(join(folder, 'LOCK'), { force: true });
  await mkdir(join(folder, 'LOCK'));
  await expect(repair(folder, nowMs)).rejects.toMatchObject({
    code: 'RETO3_DATA_UNREADABLE',
    message: expect.stringContaining('it cannot be locked'),
  });
  vi.stubEnv('TMPDIR', join(base, 'none'));
  onTestFinished(() => void vi.unstubAllEnvs());
  await expect(repair(folder, nowMs)).rejects.toMatchObject({
    code: 'RETO3_DATA_UNREADABLE',
    message: expect.stringContaining('it cannot be locked'),
  });
  expect(await readdir(base)).toEqual(['data']);
});

it("refuses a merger's folder and one of a later version, also if they are damaged", async () => {
  const merger = join(base, 'cluster');
  await makeMergerFolder(merger, startMs);
  const later = join(base, 'later');
  const store = await Store.open(() => openDatabase(later));
  await store.write([{ meta: { ...newMeta('a'), formatVersion: 99 } }], { sync: true });
  await store.close();
  for (const [path, code] of [
    [merger, 'RETO3_DATA_UNREADABLE'],
    [later, 'RETO3_DATA_VERSION'],
  ] as const) {
    for (const damaged of [false, true]) {
      if (damaged) await rm(join(path, 'CURRENT'));
      const before = await contentOf(path);
      await expect(repair(path, nowMs)).rejects.toMatchObject({ code });
      expect(await contentOf(path)).toEqual(before);
    }
  }
  expect((await readdir(base)).sort()).toEqual(['cluster', 'data', 'later']);
});

it('takes no text of a client for the record of a merger', async () => {
  const store = await Store.open(() => openDatabase(folder));
  const bytes = Buffer.from(seal('!meta!merge !part!'));
  await store.write([{ report: Buffer.from('/by:path'), bytes }], { sync: true });
  await store.close();
  expect((await repair(folder, nowMs)).audit.ok).toBe(true);
});
