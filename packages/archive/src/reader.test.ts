import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Converter } from './convert.ts';
import { loadDuckDb, openDuckDb, sqlString } from './duckdb.ts';
import { listArchive } from './folder.ts';
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

/** Damages the file so that DuckDB returns about half of the bodies and then ends the stream. */
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
    await expect(bodiesSelected()).rejects.toMatchObject({
      code: 'RETO3_ARCHIVE_DAMAGED',
      message: expect.stringMatching(/^cannot read the archive: \w/),
    });
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

/** A Parquet file and a segment that reto3 0.2.0 wrote: without host, client, status and source. */
const released = fileURLToPath(new URL('../../../tests/fixtures/archive-0.2.0', import.meta.url));

describe('an archive of reto3 0.2.0', () => {
  it('is read, without what it does not have', async () => {
    const read: unknown[] = [];
    const all = ['body', 'host', 'client', 'status', 'duration'] as const;
    for await (const batch of readArchive(released, allTime, all))
      for (let row = 0; row < batch.length; row++)
        read.push([
          ...[(batch.arrivedMs[row] ?? 0) - hour, batch.worker(row), batch.method(row)],
          ...[batch.path(row), batch.query(row), Buffer.from(batch.body(row)).toString()],
          ...[batch.host(row), batch.client(row), batch.status(row), batch.durationMs(row)],
        ]);
    const message = (at: number, path: string, body: string) => [
      ...[at, 1, 'POST', path, 'a=b', body, '', '', 200, undefined],
    ];
    expect(read).toEqual([
      message(1_000, '/a', 'n=0'),
      message(1_010, '/b', 'n=1'),
      message(1_020, '/é', 'n=2'),
      message(2_000, '/c', 'n=0'),
      message(2_010, '/d', 'n=1'),
    ]);
  });

  it('is queried, and compacted with newer files', async () => {
    cpSync(released, folder, { recursive: true });
    rmSync(path);
    const converter = await Converter.open(folder);
    const [older, segment] = listArchive(folder);
    if (older === undefined || segment === undefined) throw new Error('the fixture has two files');
    const newer = await converter.convert(segment);
    if (newer === undefined) throw new Error('the segment has messages');
    await converter.compact([older, newer]);
    rmSync(join(folder, older.path));
    rmSync(join(folder, newer.path));
    const sql = await ArchiveSql.open({
      folder,
      range: allTime,
      sql: 'FROM messages',
      counts: async () => undefined,
    });
    const { rows } = await sql.select('SELECT path, host, status, source FROM messages');
    const all: unknown[] = [];
    for await (const row of rows) all.push(row);
    expect(all).toEqual(['/a', '/b', '/é', '/c', '/d'].map((each) => [each, null, '200', null]));
    sql.close();
  });
});
