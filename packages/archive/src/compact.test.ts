import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { VirtualClock } from '@reto3/core/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Archivist } from './archivist.ts';
import { Catalogue } from './catalogue.ts';
import { Converter } from './convert.ts';
import { type DuckDb, loadDuckDb, openDuckDb, sqlString } from './duckdb.ts';
import { listArchive } from './folder.ts';
import { type ArchiveFile, hourMs, parquetPath, parseArchivePath } from './layout.ts';
import { allocateBatches } from './memory.ts';
import { readArchive } from './reader.ts';
import { recoverArchive } from './recover.ts';
import { ArchiveSql } from './sql.ts';

const hour = Date.UTC(2016, 4, 28, 11);
const allTime = { from: 0, to: Number.MAX_SAFE_INTEGER };
const noLimits = { maxBytes: 1e12, maxAgeMs: Number.POSITIVE_INFINITY };
const base = mkdtempSync(join(tmpdir(), 'reto3-compact-'));
afterAll(() => rmSync(base, { recursive: true }));

let duckDb: DuckDb;
let folder = '';
let clock: VirtualClock;
let converter: Converter;
const archivists: Archivist[] = [];
beforeAll(async () => {
  duckDb = await loadDuckDb();
});
beforeEach(async () => {
  folder = mkdtempSync(join(base, 'archive-'));
  mkdirSync(join(folder, 'segments'));
  clock = new VirtualClock(hour + 3 * hourMs);
  said = [];
  converter = await Converter.open(folder);
});
afterEach(async () => {
  for (const archivist of archivists.splice(0)) await archivist.stop();
});

/**
 * Creates small files with these sequences; each has two messages, with its sequence as the path.
 */
async function fill(sequences: readonly number[], ofHour = hour): Promise<ArchiveFile[]> {
  const database = await openDuckDb(duckDb);
  const connection = await database.connect();
  const files: ArchiveFile[] = [];
  for (const sequence of sequences) {
    const path = parquetPath(sequence, ofHour, 2);
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    await connection.run(
      `COPY (SELECT make_timestamp_ms(${ofHour + sequence} + range)::TIMESTAMP_MS AS arrived, ` +
        `0::USMALLINT AS worker, 'POST' AS method, '/${sequence}' AS path, '' AS query, ` +
        `'x'::BLOB AS body, 1::UINTEGER AS body_bytes FROM range(2)) TO ${sqlString(join(folder, path))} ` +
        '(FORMAT parquet, COMPRESSION zstd)',
    );
    const file = parseArchivePath(path);
    if (file !== undefined) files.push(file);
  }
  connection.closeSync();
  database.closeSync();
  return files;
}

/** What the archivists have said. */
let said: string[] = [];

function start(limits = noLimits): { archivist: Archivist; store: () => Promise<void> } {
  const archivist = new Archivist({
    ...{ memory: allocateBatches(1), folder, writes: 0, limits, clock, converter },
    tell: ({ text }) => said.push(text),
  });
  archivists.push(archivist);
  let write = 0;
  const store = async (): Promise<void> => {
    write++;
    archivist.stored({ flush: write, write, syncedWrites: write });
    await archivist.recount();
  };
  return { archivist, store };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** Expects two messages for each path, from the reader and from SQL. */
async function expectOnce(sequences: readonly number[]): Promise<void> {
  const want = new Map(sequences.map((sequence) => [`/${sequence}`, 2]));
  const read = new Map<string, number>();
  for await (const batch of readArchive(folder, allTime, 'body'))
    for (let row = 0; row < batch.length; row++)
      read.set(batch.path(row), (read.get(batch.path(row)) ?? 0) + 1);
  expect(read).toEqual(want);
  const statement = 'SELECT path, count(*) FROM messages GROUP BY path';
  const sql = await openSql(statement);
  const selected = new Map<string, number>();
  try {
    for await (const [path, count] of (await sql.select(statement)).rows)
      selected.set(String(path), Number(count));
  } finally {
    sql.close();
  }
  expect(selected).toEqual(want);
}

function openSql(sql: string): Promise<ArchiveSql> {
  return ArchiveSql.open({ folder, range: allTime, sql, counts: async () => undefined });
}

const listed = (): string[] => listArchive(folder).map(({ path }) => path);

describe('compaction', () => {
  it('merges many files into few, with every message once, and then stops', async () => {
    await fill(range(1, 100));
    const { archivist, store } = start();
    for (let write = 0; write < 5; write++) await store();
    expect(listed()).toEqual([parquetPath(100, hour, 200, 1)]);
    expect(archivist.status()).toMatchObject({ files: 1, messages: 200 });
    expect(await archivist.recount()).toEqual({ expected: 200, found: 200 });
    await expectOnce(range(1, 100));
    // Other programs may still be reading the old files.
    expect(existsSync(join(folder, parquetPath(1, hour, 2)))).toBe(true);
    clock.pass(11 * 60_000);
    // Ten minutes are ten minutes, whatever the wall clock says.
    clock.step(-86_400_000);
    await store();
    expect(existsSync(join(folder, parquetPath(1, hour, 2)))).toBe(false);
    expect(existsSync(join(folder, parquetPath(64, hour, 128, 1)))).toBe(false);
    await expectOnce(range(1, 100));
  });

  it('does not mix hours, even if their numbers alternate, and leaves the current hour', async () => {
    const [even, odd, young] = [
      [2, 4, 6],
      [1, 3, 5],
      [7, 8],
    ];
    await fill(even);
    await fill(odd, hour + hourMs);
    await fill(young, hour + 3 * hourMs);
    const { store } = start();
    for (let write = 0; write < 5; write++) await store();
    expect(listed()).toEqual([
      parquetPath(6, hour, 6, 2),
      parquetPath(5, hour + hourMs, 6, 1),
      ...young.map((sequence) => parquetPath(sequence, hour + 3 * hourMs, 2)),
    ]);
    await expectOnce(range(1, 8));
  });

  it('has every message once, wherever it is killed', async () => {
    const files = await fill(range(1, 8));
    // Before the rename.
    writeFileSync(join(folder, 'segments', '0000000008.partial'), 'half of it');
    await expectOnce(range(1, 8));
    recoverArchive(folder, 0);
    expect(existsSync(join(folder, 'segments', '0000000008.partial'))).toBe(false);
    await expectOnce(range(1, 8));
    // After the rename, and between the deletions.
    const merged = await converter.compact(files);
    for (const { path } of files) {
      expect(listed()).toEqual([merged.path]);
      expect(new Catalogue(folder).totals()).toMatchObject({ files: 1, messages: 16 });
      await expectOnce(range(1, 8));
      rmSync(join(folder, path));
    }
    expect(start().archivist.status()).toMatchObject({ files: 1, messages: 16 });
    await expectOnce(range(1, 8));
  });

  it('ignores superseded files, also within ranges, and deletes them at a start', async () => {
    const files = await fill(range(1, 9));
    const inner = await converter.compact(files.slice(2, 5));
    const outer = await converter.compact([...files.slice(0, 2), inner, ...files.slice(5)]);
    for (const { path } of files) {
      expect(listed()).toEqual([outer.path]);
      rmSync(join(folder, path));
    }
    expect(existsSync(join(folder, inner.path))).toBe(true);
    recoverArchive(folder, 0);
    expect(existsSync(join(folder, inner.path))).toBe(false);
    await expectOnce(range(1, 9));
  });

  it('deletes superseded files before the one that supersedes them', async () => {
    await fill(range(1, 10));
    const { archivist, store } = start({ maxBytes: 1, maxAgeMs: Number.POSITIVE_INFINITY });
    await store();
    clock.pass(10_000);
    await store();
    expect(archivist.status()).toMatchObject({ files: 0, deletedFiles: 1, deletedMessages: 20 });
    expect(listed()).toEqual([]);
  });

  it('leaves a run of files alone if one of them is unreadable', async () => {
    const files = await fill(range(1, 4));
    writeFileSync(join(folder, files[1]?.path ?? ''), 'damaged');
    const archivist = start().archivist;
    archivist.stored({ flush: 1, write: 1, syncedWrites: 1 });
    await archivist.stop();
    expect(listed()).toEqual(files.map(({ path }) => path));
  });

  it('tries again every hour after a failure, and logs it once', async () => {
    const files = await fill(range(1, 4));
    const compact = vi.spyOn(converter, 'compact').mockRejectedValue(new Error('no space'));
    const { store } = start();
    const pass = async (steps: number): Promise<void> => {
      for (let step = 0; step < steps; step++) {
        clock.pass(10 * 60_000);
        await store();
      }
    };
    await pass(6);
    expect(compact).toHaveBeenCalledTimes(1);
    await pass(6);
    expect(compact).toHaveBeenCalledTimes(2);
    expect(said).toEqual([
      `cannot compact 4 small files of the archive, up to ${files[3]?.path}: no space; they stay as they are, retrying every hour`,
    ]);
    compact.mockRestore();
    await pass(6);
    expect(listed()).toEqual([parquetPath(4, hour, 8, 1)]);
    await expectOnce(range(1, 4));
    expect(said).toHaveLength(1);
  });
});

describe('a reader of files that are compacted or deleted meanwhile', () => {
  const changed = expect.objectContaining({ code: 'RETO3_ARCHIVE_CHANGED' });

  it('fails with the reason, and neither skips nor repeats messages', async () => {
    const files = await fill(range(1, 8));
    const batches = readArchive(folder, allTime, 'head');
    expect((await batches.next()).value?.length).toBe(2);
    await converter.compact(files);
    for (const { path } of files) rmSync(join(folder, path));
    await expect(batches.next()).rejects.toThrow(changed);
  });

  it('does not give a shorter answer if files of an hour were deleted', async () => {
    const files = await fill(range(1, 3));
    const batches = readArchive(folder, allTime, 'head');
    expect((await batches.next()).value?.length).toBe(2);
    for (const { path } of files) rmSync(join(folder, path));
    await expect(batches.next()).rejects.toThrow(changed);
  });

  it('fails in SQL too', async () => {
    const files = await fill(range(1, 8));
    const statement = 'SELECT body FROM messages';
    const sql = await openSql(statement);
    await converter.compact(files);
    for (const { path } of files) rmSync(join(folder, path));
    const read = async (): Promise<void> => {
      for await (const _ of (await sql.select(statement)).rows);
    };
    await expect(read()).rejects.toThrow(changed);
    sql.close();
  });
});
