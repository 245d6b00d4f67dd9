import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadDuckDb, openDuckDb, sqlString } from './duckdb.ts';
import { type ArchivedKey, countKeys } from './keys.ts';
import { parquetPath } from './layout.ts';

const hour = Date.UTC(2016, 4, 28, 11);
const range = { from: hour, to: hour + 60_000 };
const folder = mkdtempSync(join(tmpdir(), 'reto3-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function copyTo(path: string, select: string): Promise<void> {
  const database = await openDuckDb(await loadDuckDb());
  const connection = await database.connect();
  await connection.run(`COPY (${select}) TO ${sqlString(path)} (FORMAT parquet)`);
  connection.closeSync();
  database.closeSync();
}

/**
 * One message per millisecond of a minute, with paths /0 to /9 in turn; in the tenth second, nine
 * in ten are /0.
 */
beforeAll(async () => {
  const path = join(folder, parquetPath(1, hour, 60_000));
  mkdirSync(dirname(path), { recursive: true });
  await copyTo(
    path,
    `SELECT make_timestamp_ms(${hour} + range)::TIMESTAMP_MS AS arrived, 0::USMALLINT AS worker, ` +
      `'POST' AS method, '/' || if(range // 1000 = 10 AND range % 10 < 9, 0, range % 10) AS path, ` +
      `'' AS query, ''::BLOB AS body, 0::UINTEGER AS body_bytes FROM range(60_000)`,
  );
});

const stretches = [
  { from: hour + 10_000, to: hour + 11_000 },
  { from: hour + 20_000, to: hour + 20_005 },
  { from: hour + 70_000, to: hour + 70_010 },
];

it('counts keys of the range and of each stretch, without those with a tiny share', async () => {
  const counts = await countKeys({ folder, range, stretches, key: 'path' });
  expect(counts).toMatchObject({ messages: 60_000, keys: 10 });
  expect(counts.frequent[0]).toEqual({ key: '/0', total: 59 * 100 + 900 });
  expect(counts.frequent).toHaveLength(10);
  const [burst, brief, outside] = counts.stretches;
  expect(burst?.messages).toBe(1_000);
  expect(burst?.keys.toSorted((a, b) => b.count - a.count)).toEqual([
    { key: '/0', count: 900, total: 6_800, before: 1_000 },
    { key: '/9', count: 100, total: 6_000, before: 1_000 },
  ]);
  // One message of each path is no pattern.
  expect(brief).toEqual({ messages: 5, keys: [] });
  expect(outside).toEqual({ messages: 0, keys: [] });
});

it('asks for a shorter range if the memory does not suffice', async () => {
  const many = mkdtempSync(join(folder, 'many-'));
  const path = join(many, parquetPath(1, hour, 1_000_000));
  mkdirSync(dirname(path), { recursive: true });
  await copyTo(
    path,
    `SELECT make_timestamp_ms(${hour})::TIMESTAMP_MS AS arrived, 0::USMALLINT AS worker, ` +
      `'GET' AS method, md5(range::VARCHAR) AS path, '' AS query, ''::BLOB AS body, ` +
      '0::UINTEGER AS body_bytes FROM range(1_000_000)',
  );
  const question = { folder: many, range, stretches: [], key: 'path' } as const;
  await expect(countKeys(question, { threads: '1', memory_limit: '50MB' })).rejects.toMatchObject({
    code: 'RETO3_BAD_RANGE',
  });
  await expect(countKeys(question)).resolves.toMatchObject({ keys: 1_000_000 });
});

it.each<[ArchivedKey, string]>([
  ['method', 'POST'],
  ['status', '200'],
  ['host', ''],
  ['client', ''],
])('counts by %s', async (key, value) => {
  const { frequent } = await countKeys({ folder, range, stretches: [], key });
  expect(frequent).toEqual([{ key: value, total: 60_000 }]);
});
