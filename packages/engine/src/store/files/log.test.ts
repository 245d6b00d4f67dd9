import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { damagedLogs, findDamage } from './log.ts';

const logName = /^\d+\.log$/;

describe('findDamage', () => {
  let folder: string;
  let log: Buffer;
  let file: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reto3-log-'));
    const database = new Level<string, string>(folder);
    // Records of all sizes, some longer than a block of the log.
    for (let row = 0; row < 120; row++) await database.put(`key ${row}`, 'x'.repeat(row * 37));
    await database.put('long', 'y'.repeat(100_000));
    for (let row = 0; row < 20; row++) await database.put(`after ${row}`, `${row}`);
    await database.close();
    file = (await readdir(folder)).find((name) => logName.test(name)) ?? '';
    log = await readFile(join(folder, file));
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('accepts a log that LevelDB wrote', () => {
    expect(log.length).toBeGreaterThan(100_000);
    expect(findDamage(log)).toBeUndefined();
  });

  it('finds any flipped bit before the last record', () => {
    // A crash may tear the last record, so damage in it cannot be told apart.
    const lastRecords = log.length - 400;
    for (let offset = 0; offset < lastRecords; offset += 997) {
      const flipped = Buffer.from(log);
      flipped[offset] = (flipped[offset] ?? 0) ^ (1 << (offset % 8));
      expect(findDamage(flipped), `bit ${offset % 8} of byte ${offset}`).toBeDefined();
    }
  });

  it('accepts a log that a crash cut off anywhere', () => {
    for (let length = 0; length < log.length; length += 1_009) {
      expect(findDamage(log.subarray(0, length)), `cut to ${length}`).toBeUndefined();
    }
  });

  it('skips a log that is deleted meanwhile', async () => {
    const deleted = join(folder, '999999.log');
    await symlink(join(folder, 'deleted'), deleted);
    expect(await damagedLogs(folder)).toEqual([]);
    await rm(deleted);
  });

  it('names the file and the offset', async () => {
    expect(await damagedLogs(folder)).toEqual([]);
    const flipped = Buffer.from(log);
    flipped[50] = (flipped[50] ?? 0) ^ 1;
    await writeFile(join(folder, file), flipped);
    const [damage, ...others] = await damagedLogs(folder);
    expect(others).toEqual([]);
    expect(damage?.file).toBe(file);
    expect(damage?.offset).toBeLessThanOrEqual(50);
  });
});
