/**
 * Writes rows of typed cells, such as those of a report, as one Parquet file. Whole numbers and
 * times are passed to DuckDB as floats, which is faster than its own values and exact up to 2⁵³.
 */
import { resolve } from 'node:path';
import type {
  DuckDBAppender,
  DuckDBConnection,
  DuckDBInstance,
  DuckDBValue,
} from '@duckdb/node-api';
import { type DuckDb, loadDuckDb, openDuckDb, sqlString } from './duckdb.ts';

/** Rows in one of DuckDB's chunks. */
const chunkRows = 2_048;

export interface TableColumn {
  readonly name: string;
  /** `timestamp` is epoch ms. Without a type, the column has floats if all cells are numbers. */
  readonly type: 'int64' | 'float' | 'text' | 'timestamp' | undefined;
  /** Stored in the metadata of the file, as `unit of <name>`. */
  readonly unit?: string | undefined;
}

type Cell = number | string | null;

export class ParquetTable {
  readonly #columns: readonly TableColumn[];
  readonly #duckDb: DuckDb;
  readonly #database: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  /** The columns without a type in which a cell is not a number. */
  readonly #texts = new Set<string>();
  readonly #appender: DuckDBAppender;
  #rows: (readonly Cell[])[] = [];

  private constructor(
    columns: readonly TableColumn[],
    duckDb: DuckDb,
    database: DuckDBInstance,
    connection: DuckDBConnection,
    appender: DuckDBAppender,
  ) {
    this.#columns = columns;
    this.#duckDb = duckDb;
    this.#database = database;
    this.#connection = connection;
    this.#appender = appender;
  }

  /** @throws Reto3Error RETO3_DUCKDB_MISSING */
  static async open(columns: readonly TableColumn[]): Promise<ParquetTable> {
    const duckDb = await loadDuckDb();
    const database = await openDuckDb(duckDb);
    const connection = await database.connect();
    const fields = columns.map(
      ({ name, type }) => `"${name}" ${isNumeric(type) ? 'DOUBLE' : 'VARCHAR'}`,
    );
    await connection.run(`CREATE TABLE cells (${fields.join(', ')})`);
    const appender = await connection.createAppender('cells');
    return new ParquetTable(columns, duckDb, database, connection, appender);
  }

  /** Appends a row with a cell for every column. */
  append(row: readonly Cell[]): void {
    this.#rows.push(row);
    if (this.#rows.length === chunkRows) this.#flush();
  }

  /** @param path an existing, empty file */
  async writeTo(path: string): Promise<void> {
    if (this.#rows.length > 0) this.#flush();
    this.#appender.flushSync();
    const fields = this.#columns.map(({ name, type }) => {
      const isNumbers = type === undefined && !this.#texts.has(name);
      return `${castOf(`"${name}"`, isNumbers ? 'float' : type)} AS "${name}"`;
    });
    const units = this.#columns.flatMap(({ name, unit }) =>
      unit === undefined ? [] : [`${sqlString(`unit of ${name}`)}: ${sqlString(unit)}`],
    );
    const metadata = units.length === 0 ? '' : `, KV_METADATA {${units.join(', ')}}`;
    await this.#connection.run(
      `COPY (SELECT ${fields.join(', ')} FROM cells) TO ${sqlString(resolve(path))} ` +
        `(FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false${metadata})`,
    );
  }

  close(): void {
    this.#appender.closeSync();
    this.#connection.closeSync();
    this.#database.closeSync();
  }

  #flush(): void {
    const { DuckDBDataChunk, DOUBLE, VARCHAR } = this.#duckDb;
    const types = this.#columns.map(({ type }) => (isNumeric(type) ? DOUBLE : VARCHAR));
    const chunk = DuckDBDataChunk.create(types, this.#rows.length);
    chunk.setColumns(this.#columns.map((column, index) => this.#cellsOf(column, index)));
    this.#appender.appendDataChunk(chunk);
    this.#rows = [];
  }

  #cellsOf({ name, type }: TableColumn, index: number): DuckDBValue[] {
    return this.#rows.map((row) => {
      const cell = row[index] ?? null;
      if (type === undefined && typeof cell === 'string') this.#texts.add(name);
      return cell === null || isNumeric(type) ? cell : String(cell);
    });
  }
}

function isNumeric(type: TableColumn['type']): boolean {
  return type === 'int64' || type === 'float' || type === 'timestamp';
}

function castOf(field: string, type: TableColumn['type']): string {
  if (type === 'int64') return `${field}::BIGINT`;
  if (type === 'float') return `${field}::DOUBLE`;
  return type === 'timestamp' ? `make_timestamp_ms(${field}::BIGINT)::TIMESTAMP_MS` : field;
}
