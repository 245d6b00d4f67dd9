/** The sublevels of the database, with the types of their keys and values. keys.ts names them. */
import type { AbstractSublevel } from 'abstract-level';
import type { Database } from './database.ts';
import { type Series, sublevelNames, timeKey } from './keys.ts';

type Rows = AbstractSublevel<Database, string | Buffer | Uint8Array, number, Uint8Array>;
type Bytes = AbstractSublevel<Database, string | Buffer | Uint8Array, Uint8Array, Uint8Array>;

/** The database with its sublevels. Reopening replaces all of them. */
export interface Handles {
  readonly database: Database;
  readonly rows: Readonly<Record<Series, Rows>>;
  readonly meta: AbstractSublevel<Database, string | Buffer | Uint8Array, string, string>;
  readonly reports: Bytes;
  readonly parts: Bytes;
}

/** Opens all sublevels of an open database. */
export async function handlesOf(database: Database): Promise<Handles> {
  const rows = (series: Series): Rows =>
    database.sublevel<number, Uint8Array>(sublevelNames[series], {
      keyEncoding: timeKey,
      valueEncoding: 'view',
    });
  const handles: Handles = {
    database,
    rows: { journal: rows('journal'), ms10: rows('ms10'), sec: rows('sec'), min: rows('min') },
    meta: database.sublevel<string, string>(sublevelNames.meta, { valueEncoding: 'utf8' }),
    reports: database.sublevel<Uint8Array, Uint8Array>(sublevelNames.report, {
      keyEncoding: 'view',
      valueEncoding: 'view',
    }),
    parts: database.sublevel<Uint8Array, Uint8Array>(sublevelNames.part, {
      keyEncoding: 'view',
      valueEncoding: 'view',
    }),
  };
  // Until a sublevel is open, which takes a moment, it has no synchronous reads.
  const { rows: levels, meta, reports, parts } = handles;
  const all = [...Object.values(levels), meta, reports, parts];
  await Promise.all(all.map((level) => level.open()));
  return handles;
}
