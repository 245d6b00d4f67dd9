/**
 * The SQL table `counts`: a view over one table per period. Only the periods that a statement reads
 * are filled. DuckDB's plan shows which: a branch of the view that is not in the plan cannot affect
 * the answer.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { type PeriodName, periodNames } from '@reto3/core';
import type { DuckDb } from './duckdb.ts';

/** Rows in one of DuckDB's chunks. */
const chunkRows = 2_048;

/** Adds a window that was counted, fully or in part; its start is epoch ms. */
export type TakeCount = (start: number, count: number, partial: boolean) => void;

function tableOf(period: PeriodName): string {
  return `windows_${period}`;
}

export async function createCountTables(connection: DuckDBConnection): Promise<void> {
  // Appending times as numbers is faster than as DuckDB's own values.
  for (const period of periodNames)
    await connection.run(
      `CREATE TABLE ${tableOf(period)} (start_ms DOUBLE, count BIGINT, partial BOOLEAN)`,
    );
  const branches = periodNames.map(
    (period) =>
      `SELECT '${period}' AS period, make_timestamp_ms(start_ms::BIGINT) AS start, count, partial FROM ${tableOf(period)}`,
  );
  await connection.run(`CREATE VIEW counts AS ${branches.join(' UNION ALL ')}`);
}

/** The periods that the statement may read. Call it while the tables are empty. */
export async function periodsIn(
  connection: DuckDBConnection,
  statement: string,
): Promise<PeriodName[]> {
  // The plan must not depend on the tables being empty.
  await connection.run("SET disabled_optimizers = 'statistics_propagation'");
  const answer = await connection.runAndReadAll(
    `EXPLAIN (FORMAT json) SELECT * FROM (${statement})`,
  );
  await connection.run('RESET disabled_optimizers');
  const plan = answer.getRows().flat().map(String).join('\n');
  return periodNames.filter((period) => plan.includes(tableOf(period)));
}

/** Fills the table of a period. */
export async function fillCounts(
  { DuckDBDataChunk, BIGINT, BOOLEAN, DOUBLE }: DuckDb,
  connection: DuckDBConnection,
  period: PeriodName,
  read: (take: TakeCount) => Promise<void>,
): Promise<void> {
  const appender = await connection.createAppender(tableOf(period));
  let starts: number[] = [];
  let counts: bigint[] = [];
  let partials: boolean[] = [];
  const append = (): void => {
    const chunk = DuckDBDataChunk.create([DOUBLE, BIGINT, BOOLEAN], starts.length);
    chunk.setColumns([starts, counts, partials]);
    appender.appendDataChunk(chunk);
    [starts, counts, partials] = [[], [], []];
  };
  try {
    await read((start, count, partial) => {
      starts.push(start);
      counts.push(BigInt(count));
      partials.push(partial);
      if (starts.length === chunkRows) append();
    });
    if (starts.length > 0) append();
    appender.flushSync();
  } finally {
    appender.closeSync();
  }
}
