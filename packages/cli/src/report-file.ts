/** Writes the rows of a report to stdout or to a file, which may be Parquet with typed columns. */
import type { Writable } from 'node:stream';
import type { TableColumn } from '@reto3/archive';
import { type FormatName, formatNames } from '@reto3/core';
import type { Source } from './answers.ts';
import { createFileAtomically, writeFileAtomically } from './atomic-file.ts';
import { withCleanUp } from './clean-up.ts';
import type { Target } from './flags.ts';
import { askReports, type ReportQuestion } from './report.ts';
import { rowSink } from './row-sink.ts';

export const reportFormats = [...formatNames, 'parquet'] as const;

/** Writes the rows in the given format. */
type Write = (format: FormatName, into: Writable) => Promise<unknown>;

const columnTypes = ['int64', 'float', 'text', 'timestamp'] as const;

/**
 * @throws Reto3Error RETO3_DUCKDB_MISSING, RETO3_FILE_UNWRITABLE, and what the source throws
 */
export async function writeRows(
  { format, output }: Target<(typeof reportFormats)[number]>,
  columnsOf: () => Promise<readonly TableColumn[]>,
  write: Write,
): Promise<void> {
  if (format === 'parquet') {
    const columns = await columnsOf();
    await createFileAtomically(output, 'owner', (path) => writeParquet(path, columns, write));
  } else if (output === undefined) await write(format, process.stdout);
  else await writeFileAtomically(output, 'owner', (into) => write(format, into));
}

async function writeParquet(
  path: string,
  columns: readonly TableColumn[],
  write: Write,
): Promise<void> {
  const { ParquetTable } = await import('@reto3/archive');
  const table = await ParquetTable.open(columns);
  // DuckDB's threads would keep the process alive.
  await withCleanUp(
    () => table.close(),
    async () => {
      try {
        const sink = rowSink<Readonly<Record<string, number | string | null>>>((row) =>
          table.append(columns.map(({ name }) => row[name] ?? null)),
        );
        await write('ndjson', sink);
        await table.writeTo(path);
      } finally {
        table.close();
      }
    },
  );
}

interface Columns {
  readonly columns: Readonly<Record<string, string>>;
  readonly types?:
    | Readonly<Record<string, { readonly type: string; readonly unit?: string | undefined }>>
    | undefined;
}

/**
 * For an unknown report only the start: the request for its rows then fails with the right error.
 */
export async function columnsIn(
  source: Source,
  { name, cluster = false }: Pick<ReportQuestion, 'name' | 'cluster'>,
): Promise<TableColumn[]> {
  const reports = await askReports(source, cluster);
  return tableColumns(reports.find((report) => report.name === name));
}

/** The columns of a report whose rows are computed now. */
export async function columnsOfModule({
  name,
  module,
}: Pick<ReportQuestion, 'name' | 'module'>): Promise<TableColumn[]> {
  const { findReports } = await import('@reto3/reports/load');
  const found = await findReports([module ?? name]);
  return tableColumns(found.map(({ report }) => report).find((report) => report.name === name));
}

function tableColumns({ columns, types = {} }: Columns = { columns: {} }): TableColumn[] {
  return [
    { name: 'start', type: 'timestamp' },
    ...Object.keys(columns).map((column) => ({
      name: column,
      type: columnTypes.find((type) => type === types[column]?.type),
      unit: types[column]?.unit,
    })),
  ];
}
