/** The columns of a report: what they mean, and how programs should read them. */

/** `timestamp` is epoch ms, `float` any finite number, `int64` a whole number up to 2⁵³ − 1. */
const columnTypes = ['int64', 'float', 'text', 'timestamp'] as const;

export interface ColumnType {
  readonly type: (typeof columnTypes)[number];
  /** Such as `ms` or `bytes`. */
  readonly unit?: string;
}

/** Its description alone, or its type as well. */
export type Column = string | (ColumnType & { readonly description: string });

/** A column of whole numbers. */
export function whole(description: string, unit?: string): Column {
  return { type: 'int64', description, ...(unit !== undefined && { unit }) };
}

export function descriptionOf(column: Column): string {
  return typeof column === 'string' ? column : column.description;
}

/** Undefined for a column whose cells may be anything. */
export function typeOf(column: Column): ColumnType | undefined {
  if (typeof column === 'string') return undefined;
  const { type, unit } = column;
  return unit === undefined ? { type } : { type, unit };
}

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

/** Why the cell cannot be in a column; undefined if it can. */
export function problemOf(cell: unknown, type: ColumnType | undefined): string | undefined {
  if (cell === undefined || cell === null) return undefined;
  if (typeof cell === 'string')
    return type === undefined || type.type === 'text' ? undefined : `text, want ${type.type}`;
  if (typeof cell !== 'number' || !Number.isFinite(cell))
    return `${typeof cell === 'number' ? cell : typeof cell}, want a finite number, a string or null`;
  if (type?.type === 'text') return `${cell}, want text`;
  const isWhole = type === undefined || type.type === 'float' || Number.isSafeInteger(cell);
  return isWhole ? undefined : `${cell}, want a whole number`;
}
