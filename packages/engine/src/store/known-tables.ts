/**
 * Remembers which of LevelDB's tables were found whole, in the file TABLES beside them: a start reads
 * the others only, so it does not grow with the years that are stored.
 *
 * A table is never changed once it is written, so one is known by its size and by its time of change
 * (ctime), which every write, copy and restore sets anew. Tables that this process wrote itself are
 * taken for whole. Bits that rot on the disk change neither, and a rotten table may end the process
 * that reads it: where two processes in a row have ended without closing the folder, nothing is
 * trusted, and the third reads every table and says which one it is.
 */
import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isTable, type TableMemory } from './files/table.ts';
import { seal, unseal } from './meta.ts';

const fileName = 'TABLES';
/** How many processes in a row may end without closing the folder before nothing is trusted. */
const mostOpenings = 2;

interface Remembered {
  /** How often the folder was opened since it was closed. */
  readonly openings: number;
  /** The stamp of each table, by the name of its file. */
  readonly tables: Readonly<Record<string, string>>;
}

const nothing: Remembered = { openings: 0, tables: {} };

export class KnownTables implements TableMemory {
  readonly #folder: string;
  #stamps = new Map<string, string>();
  #openings = 0;
  #isLoaded = false;
  /** What the file says, to write it only when that has changed. */
  #written = '';

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Reads the file, the first time. What cannot be read is forgotten. */
  async load(): Promise<void> {
    if (this.#isLoaded) return;
    const { openings, tables } = await read(join(this.#folder, fileName));
    this.#isLoaded = true;
    if (openings >= mostOpenings) return;
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

  /** The database was opened: from now on this process writes tables itself. */
  async opened(): Promise<void> {
    this.#openings++;
    await this.#save();
  }

  /** Takes in the tables that were written since. */
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

  /**
   * Without an fsync, and whether it succeeds or not: what is forgotten costs the next start a
   * little time.
   */
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
  // The checksum says that a program of ours wrote it.
  return text === undefined ? nothing : JSON.parse(text);
}

/** Size and time of change; undefined where there is no such file. */
async function stampOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.size} ${found.ctimeNs}`;
}
