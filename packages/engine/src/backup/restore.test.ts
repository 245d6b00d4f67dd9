import { mkdirSync, writeFileSync } from 'node:fs';
import {
  chown,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryLevel } from 'memory-level';
import { expect, it, onTestFinished, vi } from 'vitest';
import { DataFolder } from '../query/data-folder.ts';
import { openDatabase } from '../store/database.ts';
import type { Published } from '../store/meta.ts';
import { Store } from '../store/store.ts';
import { makeMergerFolder } from '../testing/merger-folder.ts';
import { perSecond, VirtualServer } from '../testing/virtual-server.ts';
import { restore } from './restore.ts';
import { writeBackup } from './stream.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11);

async function smallBackup(published?: Published): Promise<Buffer> {
  const store = await Store.open(async () => new MemoryLevel<string, string>());
  const server = await VirtualServer.on(store, startMs);
  await server.count(70);
  if (published !== undefined) await server.coordinator.savePublished(published);
  const snapshot = await server.coordinator.backup();
  const pieces: Uint8Array[] = [];
  for await (const piece of writeBackup(snapshot)) pieces.push(piece);
  await snapshot.close();
  return Buffer.concat(pieces);
}

/** A new folder with a backup in it. */
async function folderWithBackup(): Promise<{ base: string; file: string; bytes: Buffer }> {
  const base = await mkdtemp(join(tmpdir(), 'reto3-restore-'));
  onTestFinished(() => rm(base, { recursive: true }));
  const [file, bytes] = [join(base, 'backup'), await smallBackup()];
  await writeFile(file, bytes);
  return { base, file, bytes };
}

it('keeps the name under which a folder was published, and forgets its boot', async () => {
  const { base, file } = await folderWithBackup();
  // The boot that runs: since then it may have published more.
  await writeFile(file, await smallBackup({ node: 'a', boot: 7, after: 3 }));
  const folder = join(base, 'data');
  await restore(file, folder, startMs);
  await DataFolder.with(folder, async ({ recovered }) => {
    expect(recovered.meta.cluster).toEqual({ node: 'a', boot: 0, after: 0 });
  });
});

it('refuses a backup with a flipped bit anywhere, as a damaged backup, and leaves nothing', async () => {
  const { base, file, bytes } = await folderWithBackup();
  for (let at = 0; at < bytes.length; at += 17) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
    await writeFile(file, flipped);
    await expect(restore(file, join(base, 'data'), startMs)).rejects.toMatchObject({
      code: 'RETO3_BACKUP_DAMAGED',
    });
  }
  expect(await readdir(base)).toEqual(['backup']);
});

it('leaves alone what another program put into the folder while it checked the backup', async () => {
  const { base, file } = await folderWithBackup();
  const folder = join(base, 'data');
  const fill = (): void => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'counts'), 'of another program');
  };
  await expect(restore(file, folder, startMs, fill)).rejects.toMatchObject({
    code: 'RETO3_FOLDER_NOT_EMPTY',
  });
  expect(await readdir(folder)).toEqual(['counts']);
});

it('leaves alone what another program put into the folder while it wrote to it', async () => {
  const { base, file } = await folderWithBackup();
  const folder = join(base, 'data');
  const interrupt = new AbortController();
  const fill = (done: number, of: number): void => {
    if (done <= of / 2) return;
    writeFileSync(join(folder, 'notes'), 'of another program');
    interrupt.abort();
  };
  await expect(restore(file, folder, startMs, fill, interrupt.signal)).rejects.toThrow('aborted');
  expect(await readdir(folder)).toEqual(['notes']);
});

it('lets only one of two restores have a folder', async () => {
  const { base, file } = await folderWithBackup();
  const folder = join(base, 'data');
  const both = await Promise.allSettled([
    restore(file, folder, startMs),
    restore(file, folder, startMs),
  ]);
  const states = both.map(({ status }) => status).sort();
  expect(states).toEqual(['fulfilled', 'rejected']);
  expect(both.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { code: 'RETO3_FOLDER_NOT_EMPTY' },
  });
  await DataFolder.with(folder, async ({ recovered }) => {
    expect(recovered.messages).toBe(70 * perSecond);
  });
});

it('leaves nothing in a new volume if the disk is full, and says so', async () => {
  const { base, file } = await folderWithBackup();
  const full = Object.assign(new Error('IO error: 000005.ldb: No space left on device'), {
    code: 'LEVEL_IO_ERROR',
  });
  vi.spyOn(Store.prototype, 'write').mockRejectedValueOnce(full);
  onTestFinished(() => void vi.restoreAllMocks());
  const folder = join(base, 'data');
  await mkdir(join(folder, 'lost+found'), { recursive: true });
  await expect(restore(file, folder, startMs)).rejects.toMatchObject({ code: 'RETO3_DISK_FULL' });
  expect(await readdir(folder)).toEqual(['lost+found']);
  expect((await restore(file, folder, startMs)).messages).toBe(70 * perSecond);
});

it('leaves a folder that says how to go on if it is killed', async () => {
  const { base, file } = await folderWithBackup();
  const folder = join(base, 'data');
  // Killed before its last write, so it deletes nothing.
  const write = vi.spyOn(Store.prototype, 'write').mockImplementation(() => new Promise(() => {}));
  onTestFinished(() => void vi.restoreAllMocks());
  const closed = vi.fn();
  void restore(file, folder, startMs).then(closed, closed);
  await vi.waitFor(() => expect(write).toHaveBeenCalled());
  const killed = join(base, 'killed');
  await cp(folder, killed, { recursive: true });
  expect(closed).not.toHaveBeenCalled();
  await expect(DataFolder.with(killed, async () => 0)).rejects.toMatchObject({
    code: 'RETO3_DATA_CORRUPT',
    hint: expect.stringMatching(/^if a restore was interrupted, delete the folder/),
  });
});

it.each([
  ['a folder', 'it is a folder'],
  ['a data folder', 'it is a data folder'],
  ['a device', 'it can be read only once'],
  ['nothing', 'ENOENT'],
])('refuses %s as a backup', async (kind, reason) => {
  const { base } = await folderWithBackup();
  const file = join(base, 'given');
  if (kind === 'a folder') await mkdir(file);
  if (kind === 'a data folder') await (await openDatabase(file)).close();
  if (kind === 'a device') await symlink('/dev/null', file);
  await expect(restore(file, join(base, 'data'), startMs)).rejects.toMatchObject({
    code: 'RETO3_BACKUP_DAMAGED',
    message: expect.stringContaining(`cannot read the backup ${file}: ${reason}`),
    hint: 'name a file that reto3 backup wrote',
  });
  expect(await readdir(base)).not.toContain('data');
});

it('says of a backup given as a folder how to restore it', async () => {
  const { base, file, bytes } = await folderWithBackup();
  const hint = expect.stringContaining(`reto3 restore ${file} --data-dir NEW`);
  for (const use of [
    () => restore(file, file, startMs),
    () => openDatabase(file),
    () => DataFolder.with(file, async () => 0),
  ])
    await expect(use()).rejects.toMatchObject({ code: 'RETO3_DATA_UNREADABLE', hint });
  expect(await readFile(file)).toEqual(bytes);
  expect(await readdir(base)).toEqual(['backup']);
});

it.runIf(process.platform === 'linux' && process.geteuid?.() === 0)(
  'belongs to the owner of the folder if root restores into it',
  async () => {
    const { base, file } = await folderWithBackup();
    const [from, folder, owner] = [join(base, 'from'), join(base, 'data'), 65_534];
    const server = await VirtualServer.in(from, startMs);
    await server.count(1);
    await server.stop();
    await makeMergerFolder(join(from, 'cluster'), startMs);
    const pieces: Uint8Array[] = [];
    await DataFolder.with(from, (data) =>
      DataFolder.ofScope(from, 'cluster', async (merger) => {
        const [node, beside] = [data.backup(), merger.backup()];
        for await (const piece of writeBackup(node, beside)) pieces.push(piece);
        await node.close();
        await beside.close();
      }),
    );
    await writeFile(file, Buffer.concat(pieces));
    await mkdir(folder);
    await chown(folder, owner, owner);
    expect((await restore(file, folder, startMs)).mergerRows).toBeGreaterThan(1);
    const names = await readdir(folder, { recursive: true });
    expect(names).toContain('cluster');
    for (const name of names)
      expect([name, (await stat(join(folder, name))).uid]).toEqual([name, owner]);
  },
);
