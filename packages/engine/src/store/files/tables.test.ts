import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KnownTables } from '../known-tables.ts';
import { entriesIn } from './entries.ts';
import { damagedLogs, isLog } from './log.ts';
import { liveTables } from './manifest.ts';
import { damagedTables, fatallyDamagedTables, isTable } from './tables.ts';

const rows = 200;

let folder: string;

/** Tables with all rows, and a log with some newer ones. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reto3-files-'));
  const first = new Level<string, string>(folder);
  for (let row = 0; row < rows; row++) await first.put(`key ${row}`, 'x'.repeat(50_000));
  await first.close();
  const second = new Level<string, string>(folder);
  for (let row = 0; row < 10; row++) await second.put(`key ${row}`, 'newer');
  await second.del('key 99');
  await second.close();
});

afterEach(() => rm(folder, { recursive: true }));

/** Puts a folder in place of a file: root has every permission. */
async function makeUnreadable(isFile: (name: string) => boolean): Promise<string> {
  const file = (await readdir(folder)).find(isFile) ?? '';
  await rm(join(folder, file));
  await mkdir(join(folder, file));
  return file;
}

describe('a file that cannot be read', () => {
  it('is neither an intact table nor a damaged one', async () => {
    const file = await makeUnreadable(isTable);
    const failure = {
      code: 'RETO3_DATA_UNREADABLE',
      message: expect.stringContaining(`cannot read ${file} in the data folder ${folder}: EISDIR`),
    };
    await expect(damagedTables(folder)).rejects.toMatchObject(failure);
    const memory = new KnownTables(folder);
    await expect(fatallyDamagedTables(folder, memory)).rejects.toMatchObject(failure);
    // Not remembered as intact.
    await expect(fatallyDamagedTables(folder, memory)).rejects.toMatchObject(failure);
  });

  it.each([
    ['log', isLog, damagedLogs],
    ['CURRENT', (name: string) => name === 'CURRENT', liveTables],
    ['manifest', (name: string) => name.startsWith('MANIFEST'), liveTables],
  ])('is no damaged %s', async (_, isFile, read) => {
    const file = await makeUnreadable(isFile);
    await expect(read(folder)).rejects.toMatchObject({
      code: 'RETO3_DATA_UNREADABLE',
      message: expect.stringContaining(`cannot read ${file} `),
    });
  });

  it('is no missing one', async () => {
    expect((await liveTables(folder))?.size).toBeGreaterThan(0);
    for (const text of ['', '../..', 'MANIFEST-999999\n']) {
      await writeFile(join(folder, 'CURRENT'), text);
      expect(await liveTables(folder)).toBeUndefined();
    }
    await rm(join(folder, 'CURRENT'));
    expect(await liveTables(folder)).toBeUndefined();
    expect(await damagedTables(folder)).toEqual([]);
  });
});

it('reads the entries of tables and logs without opening the database', async () => {
  const newest = new Map<string, { sequence: bigint; value: string | undefined }>();
  for await (const { key, sequence, value } of entriesIn(folder)) {
    const name = key.toString();
    const before = newest.get(name);
    if (before === undefined || before.sequence < sequence)
      newest.set(name, { sequence, value: value?.toString() });
  }
  expect(newest.size).toBe(rows);
  expect(newest.get('key 7')?.value).toBe('newer');
  expect(newest.get('key 99')?.value).toBeUndefined();
  expect(newest.get('key 150')?.value).toHaveLength(50_000);
  const last = Math.max(...[...newest.values()].map(({ sequence }) => Number(sequence)));
  expect(last).toBe(rows + 11);
});
