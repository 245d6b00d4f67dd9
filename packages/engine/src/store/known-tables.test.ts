import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from './database.ts';
import { fatallyDamagedTables, isTable } from './files/tables.ts';
import { HeldFolder } from './held-folder.ts';
import { KnownTables } from './known-tables.ts';
import { newMeta } from './meta.ts';

let folder: string;
let table: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reto3-tables-'));
  const database = await openDatabase(folder);
  for (let row = 0; row < 200; row++) await database.put(`key ${row}`, 'x'.repeat(50_000));
  await database.close();
  table = (await readdir(folder)).find(isTable) ?? '';
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** Truncates the table and remembers it as intact, as if its bytes had rotted on the disk. */
async function rot(): Promise<void> {
  await truncate(join(folder, table), 1_000);
  const tables = new KnownTables(folder);
  await tables.load();
  await tables.closed();
}

/** The damaged tables that a start finds. Does not close the folder, as a crash would. */
async function start(): Promise<string[]> {
  const tables = new KnownTables(folder);
  await tables.load();
  const damaged = await fatallyDamagedTables(folder, tables);
  if (damaged.length === 0) await tables.opened();
  return damaged.map(({ file }) => file);
}

describe('known tables', () => {
  it('are not read again, unless they have changed', async () => {
    await rot();
    expect(await start()).toEqual([]);
    await writeFile(join(folder, table), await readFile(join(folder, table)));
    expect(await start()).toEqual([table]);
  });

  it('are read again after two processes that did not close the folder', async () => {
    await rot();
    expect(await start()).toEqual([]);
    expect(await start()).toEqual([]);
    expect(await start()).toEqual([table]);
    expect(await start()).toEqual([table]);
  });

  it('are trusted again after a process that closed the folder', async () => {
    await rot();
    expect(await start()).toEqual([]);
    const tables = new KnownTables(folder);
    await tables.load();
    await tables.closed();
    expect(await start()).toEqual([]);
    expect(await start()).toEqual([]);
    expect(await start()).toEqual([table]);
  });

  it.each(['', 'nonsense', '00000000 {"openings":0,"tables":{}}'])(
    'are all read if their file contains %j',
    async (text) => {
      await rot();
      await writeFile(join(folder, 'TABLES'), text);
      expect(await start()).toEqual([table]);
    },
  );

  it('stay trusted however often a server reopens its store', async () => {
    const store = await new HeldFolder(folder).openStore();
    const meta = { ...newMeta('a'), bootId: 'this', writes: 1 };
    await store.write([{ meta }], { sync: true });
    for (let time = 0; time < 3; time++) await store.reopen(meta);
    expect(await readFile(join(folder, 'TABLES'), 'latin1')).toContain('"openings":1');
    await store.close();
    expect(await readFile(join(folder, 'TABLES'), 'latin1')).toContain('"openings":0');
  });

  it('include those that a server writes while it runs', async () => {
    const held = new HeldFolder(folder);
    const store = await held.openStore();
    const report = Buffer.alloc(50_000, 'x');
    for (let row = 0; row < 200; row++)
      await store.write([{ report: Buffer.from(`row ${row}`), bytes: report }], { sync: false });
    await held.anchor.write(1);
    const known = await readFile(join(folder, 'TABLES'), 'latin1');
    for (const file of (await readdir(folder)).filter(isTable)) expect(known).toContain(file);
    await store.close();
  });
});
