/**
 * Remembers which of LevelDB's tables are intact, in the file TABLES beside them. A start reads
 * only the others, so its time does not grow with the years stored.
 *
 * Tables never change once they are written, so size and ctime identify one: every write, copy and
 * restore sets a new ctime. Tables that this process wrote count as intact. Bit rot changes
 * neither, and a rotten table may crash the process that reads it. So after two processes in a row
 * that did not close the folder, the next one trusts no table, and reports the damaged one.
 */
import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isTable, type TableMemory } from './files/tables.ts';
import { seal, unseal } from './meta.ts';

const fileName = 'TABLES';
/** So many processes in a row may end without closing the folder. */
const maxOpenings = 2;

interface Remembered {
  /** How many processes opened the folder since one last closed it. */
  readonly openings: number;
  /** The stamp of each table, by file name. */
  readonly tables: Readonly<Record<string, string>>;
}

const nothing: Remembered = { openings: 0, tables: {} };

export class KnownTables implements TableMemory {
  readonly #folder: string;
  #stamps = new Map<string, string>();
  #openings = 0;
  #isLoaded = false;
  /** The content of the file, to write it only if it changes. */
  #written = '';

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Reads the file at the first call. If that fails, no table is known. */
  async load(): Promise<void> {
    if (this.#isLoaded) return;
    const { openings, tables } = await read(join(this.#folder, fileName));
    this.#isLoaded = true;
    if (openings >= maxOpenings) return;
    this.#openings = openings;
    this.#stamps = new Map(Object.entries(tables));
  }

  async recognize(file: string): Promise<boolean> {
    const known = this.#stamps.get(file);
    const stamp = await stampOf(join(this.#folder, file));
    if (stamp === undefined) return false;
    this.#stamps.set(file, stamp);
    return known === stamp;
  }

  forget(file: string): void {
    this.#stamps.delete(file);
  }

  /** The database was opened: from now on this process writes tables. */
  async opened(): Promise<void> {
    this.#openings++;
    await this.#save();
  }

  /** Remembers the tables that this process has written since the last call. */
  async note(): Promise<void> {
    const files = new Set((await readdir(this.#folder)).filter(isTable));
    for (const file of this.#stamps.keys()) if (!files.has(file)) this.forget(file);
    for (const file of files) if (!this.#stamps.has(file)) await this.recognize(file);
    await this.#save();
  }

  /** The database was closed. */
  async closed(): Promise<void> {
    this.#openings = 0;
    await this.note();
  }

  /** Needs no fsync and may fail: the next start then reads more tables. */
  async #save(): Promise<void> {
    const remembered: Remembered = {
      openings: this.#openings,
      tables: Object.fromEntries(this.#stamps),
    };
    const text = `${seal(JSON.stringify(remembered))}\n`;
    if (text === this.#written) return;
    const path = join(this.#folder, fileName);
    try {
      await writeFile(`${path}.new`, text, { mode: 0o600 });
      await rename(`${path}.new`, path);
      this.#written = text;
    } catch {
      this.#written = '';
    }
  }
}

async function read(path: string): Promise<Remembered> {
  const sealed = await readFile(path, 'utf8').catch(() => '');
  const text = unseal(sealed.trimEnd());
  // The checksum proves that reto3 wrote it.
  return text === undefined ? nothing : JSON.parse(text);
}

/** Size and ctime; undefined if there is no such file. */
async function stampOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.size} ${found.ctimeNs}`;
}
