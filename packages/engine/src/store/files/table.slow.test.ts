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
    // Some that snappy makes shorter, and some that it cannot.
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
  // Opening moves what the log holds into a table.
  await (await openDatabase(folder)).close();
  [tableName = ''] = (await readdir(folder)).filter((name) => name.endsWith('.ldb'));
  table = await readFile(join(folder, tableName));
});

afterAll(() => rm(folder, { recursive: true }));

describe('reading a table', () => {
  it('finds every row, as LevelDB wrote it', () => {
    const { entries, damage } = readTable(table);
    expect(damage).toBeUndefined();
    const byAge = [...entries].sort((a, b) => Number(a.sequence - b.sequence));
    const found = new Map(byAge.map(({ key, value }) => [key.toString(), value?.toString()]));
    expect(found).toEqual(new Map([...rows, ['key 7', undefined]]));
  });

  it('finds any flipped bit, and still has only rows that were written', () => {
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

  it('finds a table that was cut anywhere', () => {
    for (let end = 0; end < table.length; end += 5_001) {
      expect(readTable(table.subarray(0, end)).damage).toBe('its index cannot be read');
      expect(findFatalDamage(table.subarray(0, end))).toBeDefined();
    }
  });
});

/** Opens a folder, reads all of it, and compacts it; the exit code, or the signal that ended it. */
async function fateWith(bytes: Uint8Array): Promise<number | NodeJS.Signals | null> {
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

describe('damage that LevelDB cannot go on with', () => {
  it('is not seen in a whole table', () => {
    expect(findFatalDamage(table)).toBeUndefined();
  });

  it('is seen wherever a flipped bit would end the process', { timeout: 120_000 }, async () => {
    let flips = 0;
    let fatal = 0;
    for (let at = 0; at < table.length; at += 211) {
      const flipped = Buffer.from(table);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      flips++;
      if (findFatalDamage(flipped) !== undefined) fatal++;
      else if (flips % 8 === 0) expect(await fateWith(flipped), `byte ${at}`).toBe(0);
    }
    // Damage in values, which have checksums of their own, keeps nobody from counting.
    expect(fatal).toBeLessThan(flips);
  });
});
