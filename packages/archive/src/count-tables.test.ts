/** The SQL table `counts` has the same windows as a query. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ArchiveSql } from './sql.ts';

test('counts mark partial windows, in a column after those of earlier versions', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reto3-counts-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const statement = "SELECT * FROM counts WHERE period = 'sec' ORDER BY start";
  const sql = await ArchiveSql.open({
    folder,
    range: { from: 0, to: Number.MAX_SAFE_INTEGER },
    sql: statement,
    counts: async (period, take) => {
      expect(period).toBe('sec');
      take(1_464_434_071_000, 7, true);
      take(1_464_434_072_000, 0, false);
    },
  });
  onTestFinished(() => sql.close());
  const { columns, rows } = await sql.select(statement);
  expect(columns).toEqual(['period', 'start', 'count', 'partial']);
  const found: (readonly (string | null)[])[] = [];
  for await (const row of rows) found.push(row);
  expect(found).toEqual([
    ['sec', '2016-05-28 11:14:31.000', '7', 'true'],
    ['sec', '2016-05-28 11:14:32.000', '0', 'false'],
  ]);
});
