import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from './database.ts';
import { HeldFolder } from './held-folder.ts';
import { newMeta } from './meta.ts';
import { Store } from './store.ts';

/** Every file of a folder, by name. */
async function contentsOf(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  const texts = names.map(async (name) => [name, await readFile(join(folder, name), 'latin1')]);
  return Object.fromEntries(await Promise.all(texts));
}

describe('a held folder', () => {
  const written = { ...newMeta('a'), bootId: 'this', writes: 3 };
  let parent: string;
  let path: string;
  let store: Store;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'reto3-held-'));
    path = join(parent, 'data');
    store = await new HeldFolder(path).openStore();
    await store.write([{ meta: written }], { sync: true });
  });

  afterEach(async () => {
    await store.close();
    await rm(parent, { recursive: true });
  });

  it('does not touch a database that took its place, and continues once it is back', async () => {
    const stranger = join(parent, 'stranger');
    const other = await Store.open((options) => openDatabase(stranger, options));
    await other.write([{ meta: { ...written, bootId: 'other' } }], { sync: true });
    await other.close();
    const before = await contentsOf(stranger);

    await rename(path, join(parent, 'elsewhere'));
    await rename(stranger, path);
    await expect(store.reopen(written)).rejects.toThrow('another folder lies there');
    expect(await contentsOf(path)).toEqual(before);

    await rename(path, stranger);
    await expect(store.reopen(written)).rejects.toThrow('it is gone');
    await rename(join(parent, 'elsewhere'), path);
    await store.reopen(written);
    expect(await store.readMeta()).toEqual(written);
  });
});
