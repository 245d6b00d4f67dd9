import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../database.ts';
import { findFatalDamage, readTable } from './table.ts';

const rows = new Map(
  Array.from({ length: 400 }, (_, index) => [
    `key ${index % 390}`,
    // Some values that snappy compresses, and some that it cannot.
    index % 2 === 0
      ? 'the same over and over, '.repeat(20)
      : Buffer.from(
          Array.from({ length: 200 }, (__, at) => (at * at * 31 + index * 7) % 251),
        ).toString('latin1'),
  ]),
);

let folder: string;
let table: Buffer;
let tableName: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reto3-table-'));
  const first = await openDatabase(folder);
  for (const [key, value] of rows) await first.put(key, value);
  await first.del('key 7');
  await first.close();
  // Opening moves the rows of the log into a table.
  await (await openDatabase(folder)).close();
  [tableName = ''] = (await readdir(folder)).filter((name) => name.endsWith('.ldb'));
  table = await readFile(join(folder, tableName));
});

afterAll(() => rm(folder, { recursive: true }));

describe('reading a table', () => {
  it('returns every row that LevelDB wrote', () => {
    const { entries, damage } = readTable(table);
    expect(damage).toBeUndefined();
    const byAge = [...entries].sort((a, b) => Number(a.sequence - b.sequence));
    const found = new Map(byAge.map(({ key, value }) => [key.toString(), value?.toString()]));
    expect(found).toEqual(new Map([...rows, ['key 7', undefined]]));
  });

  it('notices any flipped bit, and still returns only rows that were written', () => {
    const footerBytes = 48;
    for (let at = 0; at < table.length - footerBytes; at += 1_009) {
      const flipped = Buffer.from(table);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      const { entries, damage } = readTable(flipped);
      expect(damage).toBeDefined();
      for (const { key, value } of entries)
        if (value !== undefined) expect(rows.get(key.toString())).toBe(value.toString());
    }
  });

  it('notices if the table was cut anywhere', () => {
    for (let end = 0; end < table.length; end += 5_001) {
      expect(readTable(table.subarray(0, end)).damage).toBe('its index cannot be read');
      expect(findFatalDamage(table.subarray(0, end))).toBeDefined();
    }
  });
});

/**
 * Opens, reads and compacts the folder in a process; its exit code, or the signal that ended it.
 */
async function exitWith(bytes: Uint8Array): Promise<number | NodeJS.Signals | null> {
  const damaged = await mkdtemp(join(tmpdir(), 'reto3-table-'));
  try {
    await cp(folder, damaged, { recursive: true });
    await writeFile(join(damaged, tableName), bytes);
    const program = `
      import { Level } from 'level';
      const level = new Level(process.argv[1]);
      await level.open();
      try { for (const key of await level.keys().all()) await level.get(key); } catch {}
      try { for await (const _ of level.iterator({ reverse: true })); } catch {}
      try { await level.compactRange('a', 'z'); } catch {}
    `;
    const { status, signal } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', program, damaged],
      { cwd: import.meta.dirname },
    );
    return signal ?? status;
  } finally {
    await rm(damaged, { recursive: true });
  }
}

describe('findFatalDamage', () => {
  it('finds none in an intact table', () => {
    expect(findFatalDamage(table)).toBeUndefined();
  });

  it('finds every flipped bit that would end the process', { timeout: 120_000 }, async () => {
    let flips = 0;
    let fatal = 0;
    for (let at = 0; at < table.length; at += 211) {
      const flipped = Buffer.from(table);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      flips++;
      if (findFatalDamage(flipped) !== undefined) fatal++;
      else if (flips % 8 === 0) expect(await exitWith(flipped), `byte ${at}`).toBe(0);
    }
    // Damage in values is not fatal: they have checksums of their own.
    expect(fatal).toBeLessThan(flips);
  });
});
