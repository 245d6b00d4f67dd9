/** Compares the windows of a log with DuckDB's over the same file, one by one. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadDuckDb, openDuckDb, sqlString } from '@reto3/archive/src/duckdb.ts';
import { madeLog, madeRequests } from '@reto3/sources/testing';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { parseLines } from '../support/windows.ts';

/** One row per request of a log, with text columns `stamp` and `duration`. */
const tables = {
  nginx: `SELECT regexp_extract(line, '([0-9]+[.][0-9]{3}) ([0-9.]+)$', ['stamp', 'duration']) AS found
          FROM read_csv($file, columns = {'line': 'VARCHAR'}, delim = '\\x01', quote = '', header = false, null_padding = true)
          WHERE line LIKE '% - - [%'`,
  jmeter: `SELECT {'stamp': "timeStamp", 'duration': elapsed} AS found
           FROM read_csv($file, header = true, all_varchar = true, ignore_errors = true)
           WHERE elapsed IS NOT NULL`,
} as const;

/** The moment at which such a row counts, in ms. */
const moments = {
  nginx: {
    start: `round(CAST(found.stamp AS DECIMAL(18, 3)) * 1000 - CAST(found.duration AS DECIMAL(18, 3)) * 1000)`,
    end: `CAST(found.stamp AS DECIMAL(18, 3)) * 1000`,
  },
  jmeter: {
    start: `CAST(found.stamp AS BIGINT)`,
    end: `CAST(found.stamp AS BIGINT) + CAST(found.duration AS BIGINT)`,
  },
} as const;

test.each([
  ['nginx', 'start'],
  ['nginx', 'end'],
  ['jmeter', 'start'],
  ['jmeter', 'end'],
] as const)('%s by the %s', async (format, moment) => {
  const file = join(await temporaryFolder(), 'made.log');
  await writeFile(file, madeLog(format, madeRequests(100_000, 7)).text);
  const instance = await openDuckDb(await loadDuckDb());
  const connection = await instance.connect();
  const requests = tables[format].replace('$file', sqlString(file));
  const reader = await connection.runAndReadAll(
    `SELECT CAST(floor((${moments[format][moment]}) / 10) * 10 AS DOUBLE), CAST(count(*) AS DOUBLE)
     FROM (${requests}) GROUP BY 1 ORDER BY 1`,
  );
  connection.closeSync();
  const wanted = reader.getRows().map(([start, count]) => [Number(start), Number(count)]);

  const args = ['stats', 'ms10', '--from', '0', '--at', moment, '--log', file];
  const { stdout } = await runCli(args);
  const found = [...parseLines(stdout)].filter(([, count]) => count > 0);
  expect(found.length).toBeGreaterThan(1_000);
  const differences = found.filter(
    ([start, count], index) => wanted[index]?.[0] !== start || wanted[index]?.[1] !== count,
  );
  expect(differences.slice(0, 3)).toEqual([]);
  expect(found.length).toBe(wanted.length);
});
