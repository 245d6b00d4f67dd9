/** The columns of a report: descriptions for people, types and units for programs. */

const columnTypes = ['int64', 'float', 'text', 'timestamp'] as const;

export interface ColumnType {
  /**
   * `int64` is a whole number up to ±(2⁵³ − 1), `float` any finite number, `text` a string,
   * `timestamp` epoch ms up to ±8.64e15, which text and CSV show as a date.
   */
  readonly type: (typeof columnTypes)[number];
  /** 1 to 16 letters, digits, `_`, `/` or `%`, such as `ms` or `bytes`. */
  readonly unit?: string;
}

/** A description alone, or with a type. A column without a type may mix numbers and text. */
export type Column = string | (ColumnType & { readonly description: string });

/** A column of whole numbers. */
export function whole(description: string, unit?: string): Column {
  return { type: 'int64', description, ...(unit !== undefined && { unit }) };
}

export function descriptionOf(column: Column): string {
  return typeof column === 'string' ? column : column.description;
}

/** The type of a column; undefined if it has none. */
export function typeOf(column: Column): ColumnType | undefined {
  if (typeof column === 'string') return undefined;
  const { type, unit } = column;
  return unit === undefined ? { type } : { type, unit };
}

/** Whether these are valid columns, by name. `start` is taken by the start of the window. */
export function areColumns(given: unknown): given is Record<string, Column> {
  if (typeof given !== 'object' || given === null) return false;
  return Object.entries(given).every(
    ([name, column]) =>
      /^[a-z][A-Za-z0-9_]{0,31}$/.test(name) && name !== 'start' && isColumn(column),
  );
}

function isColumn(given: unknown): given is Column {
  if (typeof given === 'string') return true;
  if (typeof given !== 'object' || given === null) return false;
  const { type, unit, description }: Readonly<Record<string, unknown>> = { ...given };
  const isUnit = unit === undefined || (typeof unit === 'string' && /^[\w/%]{1,16}$/.test(unit));
  return columnTypes.some((each) => each === type) && isUnit && typeof description === 'string';
}

/** Why a cell is invalid in a column of this type; undefined if it is valid. */
export function problemOf(cell: unknown, type: ColumnType | undefined): string | undefined {
  if (cell === undefined || cell === null) return undefined;
  if (typeof cell === 'string')
    return type === undefined || type.type === 'text' ? undefined : `text, want ${type.type}`;
  if (typeof cell !== 'number' || !Number.isFinite(cell))
    return `${typeof cell === 'number' ? cell : typeof cell}, want a finite number, a string or null`;
  if (type?.type === 'text') return `${cell}, want text`;
  const isWhole = type === undefined || type.type === 'float' || Number.isSafeInteger(cell);
  if (!isWhole) return `${cell}, want a whole number`;
  return type?.type === 'timestamp' && Math.abs(cell) > largestDateMs
    ? `${cell}, want epoch ms`
    : undefined;
}

/** The largest time of a `Date`. */
const largestDateMs = 8.64e15;
