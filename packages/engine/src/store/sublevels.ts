/** The sublevels of the database: what is read from each, and as what. keys.ts has their names. */
import type { AbstractSublevel } from 'abstract-level';
import type { Database } from './database.ts';
import { type Series, sublevelNames, timeKey } from './keys.ts';

type Rows = AbstractSublevel<Database, string | Buffer | Uint8Array, number, Uint8Array>;
type Bytes = AbstractSublevel<Database, string | Buffer | Uint8Array, Uint8Array, Uint8Array>;

/** The database with its sublevels; replaced as a whole when it is opened again. */
export interface Handles {
  readonly database: Database;
  readonly rows: Readonly<Record<Series, Rows>>;
  readonly meta: AbstractSublevel<Database, string | Buffer | Uint8Array, string, string>;
  readonly reports: Bytes;
  readonly parts: Bytes;
}

/** Opens all sublevels of a database that is open. */
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
  // A sublevel opens a moment after it was made, and cannot be read synchronously until then.
  const { rows: levels, meta, reports, parts } = handles;
  const all = [...Object.values(levels), meta, reports, parts];
  await Promise.all(all.map((level) => level.open()));
  return handles;
}
