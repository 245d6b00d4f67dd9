import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { loadDuckDb, openDuckDb, sqlString } from './duckdb.ts';
import { parquetPath } from './layout.ts';
import { readArchive } from './reader.ts';
import { ArchiveSql } from './sql.ts';

const hour = Date.UTC(2016, 4, 28, 11);
const allTime = { from: 0, to: Number.MAX_SAFE_INTEGER };
const messages = 100_000;
const base = mkdtempSync(join(tmpdir(), 'reto3-reader-'));
afterAll(() => rmSync(base, { recursive: true }));

let folder = '';
let path = '';

/** An archive of one Parquet file with many of DuckDB's chunks. */
beforeEach(async () => {
  folder = mkdtempSync(join(base, 'archive-'));
  path = join(folder, parquetPath(1, hour, messages));
  mkdirSync(dirname(path), { recursive: true });
  const database = await openDuckDb(await loadDuckDb());
  const connection = await database.connect();
  await connection.run(
    `COPY (SELECT make_timestamp_ms(${hour} + range)::TIMESTAMP_MS AS arrived, 0::USMALLINT AS worker, ` +
      `'POST' AS method, '/' AS path, '' AS query, md5(range::VARCHAR)::BLOB AS body, ` +
      `32::UINTEGER AS body_bytes FROM range(${messages})) TO ${sqlString(path)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  connection.closeSync();
  database.closeSync();
});

/** Damage at which DuckDB returns about half of the bodies and then ends the stream. */
function damage(): void {
  const bytes = readFileSync(path);
  const at = Math.floor(0.6 * bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  writeFileSync(path, bytes);
}

async function bodiesRead(): Promise<number> {
  let bodies = 0;
  for await (const batch of readArchive(folder, allTime, 'body')) bodies += batch.length;
  return bodies;
}

async function bodiesSelected(): Promise<number> {
  const sql = await ArchiveSql.open({
    folder,
    range: allTime,
    sql: 'FROM messages',
    counts: async () => undefined,
  });
  let bodies = 0;
  try {
    for await (const _ of (await sql.select('SELECT body FROM messages')).rows) bodies++;
  } finally {
    sql.close();
  }
  return bodies;
}

describe('a Parquet file', () => {
  it('is read to its end', async () => {
    expect(await bodiesRead()).toBe(messages);
    expect(await bodiesSelected()).toBe(messages);
  });

  it('damaged in its middle is not mistaken for a shorter one', async () => {
    damage();
    await expect(bodiesRead()).rejects.toThrow(
      expect.objectContaining({
        code: 'RETO3_ARCHIVE_DAMAGED',
        message: expect.stringContaining(`cannot read the archive: ${path} is damaged: `),
      }),
    );
    await expect(bodiesSelected()).rejects.toThrow(/^cannot run the SQL: \w/);
  });

  it('without its footer is named', async () => {
    writeFileSync(path, readFileSync(path).subarray(0, 1_000));
    const named = expect.objectContaining({
      code: 'RETO3_ARCHIVE_DAMAGED',
      message: expect.stringContaining(path),
    });
    await expect(bodiesRead()).rejects.toThrow(named);
    await expect(bodiesSelected()).rejects.toThrow(named);
  });
});
