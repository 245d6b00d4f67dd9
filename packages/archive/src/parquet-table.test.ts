import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { loadDuckDb, openDuckDb, sqlString } from './duckdb.ts';
import { ParquetTable, type TableColumn } from './parquet-table.ts';

const columns: readonly TableColumn[] = [
  { name: 'start', type: 'timestamp' },
  { name: 'count', type: 'int64' },
  { name: 'mean', type: 'float', unit: 'ms' },
  { name: 'key', type: 'text' },
  { name: 'numbers', type: undefined },
  { name: 'mixed', type: undefined },
];

it('writes rows with the types and units of their columns', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reto3-parquet-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "it's.parquet");
  writeFileSync(path, '');
  const table = await ParquetTable.open(columns);
  const start = Date.UTC(2016, 4, 28, 11, 11, 11, 110);
  const most = Number.MAX_SAFE_INTEGER;
  table.append([start, most, 0.1, 'ä "b"', 7, 7]);
  for (let row = 0; row < 5_000; row++) table.append([start, 0, null, null, null, 'text']);
  await table.writeTo(path);
  table.close();

  const connection = await (await openDuckDb(await loadDuckDb())).connect();
  const ask = async (sql: string): Promise<unknown> =>
    (await connection.runAndReadAll(sql.replace('FILE', sqlString(path)))).getRowsJson();
  expect(await ask('SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM FILE)')).toEqual([
    ['start', 'TIMESTAMP'],
    ['count', 'BIGINT'],
    ['mean', 'DOUBLE'],
    ['key', 'VARCHAR'],
    ['numbers', 'DOUBLE'],
    ['mixed', 'VARCHAR'],
  ]);
  expect(await ask('SELECT epoch_ms(start)::VARCHAR, * EXCLUDE (start) FROM FILE LIMIT 1')).toEqual(
    [[String(start), String(most), 0.1, 'ä "b"', 7, '7']],
  );
  expect(await ask('SELECT count(*)::INT, count(key)::INT, max(mixed) FROM FILE')).toEqual([
    [5_001, 1, 'text'],
  ]);
  const metadata = 'SELECT decode(key), decode(value) FROM parquet_kv_metadata(FILE)';
  expect(await ask(metadata)).toContainEqual(['unit of mean', 'ms']);
  connection.closeSync();
});
