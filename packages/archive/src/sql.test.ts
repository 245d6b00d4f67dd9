/** Statements over an archive of reto3 0.2.0, with a Parquet file and a segment. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Converter } from './convert.ts';
import { listArchive } from './folder.ts';
import { readArchive } from './reader.ts';
import { ArchiveSql, type SqlParts } from './sql.ts';

const released = fileURLToPath(new URL('../../../tests/fixtures/archive-0.2.0', import.meta.url));
const allTime = { from: 0, to: Number.MAX_SAFE_INTEGER };
const base = mkdtempSync(join(tmpdir(), 'reto3-sql-'));
const folder = join(base, 'data');
beforeAll(() => cpSync(released, folder, { recursive: true }));
afterAll(() => rmSync(base, { recursive: true }));

async function using<T>(
  parts: Partial<SqlParts> & Pick<SqlParts, 'sql'>,
  use: (sql: ArchiveSql) => Promise<T>,
): Promise<T> {
  const counts = async (): Promise<void> => undefined;
  const sql = await ArchiveSql.open({ folder, range: allTime, counts, ...parts });
  try {
    return await use(sql);
  } finally {
    sql.close();
  }
}

function select(sql: string, of = folder): Promise<(string | null)[][]> {
  return using({ sql, folder: of }, async (archive) => {
    const rows: (string | null)[][] = [];
    for await (const row of (await archive.select(sql)).rows) rows.push([...row]);
    return rows;
  });
}

it('reads a folder whose name looks like a pattern, and no other folder', async () => {
  const [odd, other] = [join(base, 'da[t]a?*'), join(base, 'data12')];
  for (const each of [odd, other]) cpSync(released, each, { recursive: true });
  expect(await select('SELECT count(*) FROM messages', odd)).toEqual([['5']]);
  let read = 0;
  for await (const { length } of readArchive(odd, allTime, 'head')) read += length;
  expect(read).toBe(5);
  const converter = await Converter.open(odd);
  const parquet = listArchive(odd).filter(({ kind }) => kind === 'parquet');
  expect(await converter.rowsIn(parquet)).toBe(3);
});

it('reads no file but those of the tables', async () => {
  mkdirSync(join(folder, 'quarantine'), { recursive: true });
  writeFileSync(join(folder, 'quarantine', 'body'), 'secret');
  for (const source of [
    `read_text('${join(folder, 'quarantine', 'body')}')`,
    `glob('${folder}/**')`,
    "read_text('/etc/hostname')",
  ])
    await expect(select(`SELECT * FROM ${source}`)).rejects.toThrow('Permission Error');
});

it.each([
  ['TIMESTAMP_S', '2016-05-28 11:00:01.000'],
  ['TIMESTAMP_MS', '2016-05-28 11:00:01.010'],
  ['TIMESTAMP', '2016-05-28 11:00:01.010'],
  ['TIMESTAMPTZ', '2016-05-28 11:00:01.010'],
])('a %s looks as in reto3 stats', async (type, wanted) => {
  const sql = `SELECT arrived::${type} AS time FROM messages WHERE path = '/b'`;
  expect(await select(sql)).toEqual([[wanted]]);
  const json = await using({ sql }, async (archive) => {
    for await (const [object] of (await archive.selectJson(sql)).rows) return object;
    return undefined;
  });
  expect(json).toBe(`{"time":"${wanted}"}`);
});

it('takes names that differ in case only', async () => {
  const sql = `SELECT path AS a, arrived AS "A" FROM messages WHERE path = '/b'`;
  const [row] = await select(sql);
  expect(row?.[0]).toBe('/b');
  expect(row?.[1]).toMatch(/^2016-05-28 11:00:01\.010?$/);
});

it('computes with whole numbers of either sign', async () => {
  const sql = 'SELECT worker - 2, body_bytes - 4, status - 300 FROM messages LIMIT 1';
  expect(await select(sql)).toEqual([['-1', '-1', '-100']]);
});

it('takes a statement of a file with a byte order mark', async () => {
  expect(await select('\ufeffSELECT 7;\n')).toEqual([['7']]);
});

it('takes no statement of a file in UTF-16', async () => {
  const utf16 = Buffer.from('SELECT 7', 'utf16le').toString();
  await expect(select(utf16)).rejects.toThrow('want text in UTF-8');
});

it('a full disk is not taken for a wrong statement', async () => {
  const [sql, output] = ['FROM messages', '/dev/full'];
  await expect(using({ sql, output }, (archive) => archive.copyTo(sql, output))).rejects.toThrow(
    /^(?!cannot run the SQL).*No space left on device/,
  );
});
