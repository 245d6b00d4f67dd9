/**
 * The data folder that a server holds while it runs: the database, its fsync and its anchor, for as
 * long as the path still leads to the folder that was opened.
 *
 * LevelDB and the journal keep their files open, so they go on in a folder that was moved away; what
 * goes by the path (the anchor, a new journal, LevelDB's own new files) would then touch whatever lies
 * there now. So the first opening notes which folder that was, and the anchor, each sync and every
 * later opening fail where the path leads elsewhere. In particular, another server's database is never
 * opened: LevelDB writes while it opens, and if our folder came back in that moment, it would write
 * there. A store that is opened again has to show the meta row of our last write as well.
 */
import { stat } from 'node:fs/promises';
import { Reto3Error } from '@reto3/core';
import { type JournalFile, type JournalFolder, journalIn } from '../journal/journal-folder.ts';
import { type Anchor, anchorIn } from './anchor.ts';
import { type Database, openDatabase, openExistingDatabase } from './database.ts';
import { KnownTables } from './known-tables.ts';
import { Store } from './store.ts';

export class HeldFolder {
  readonly #path: string;
  #opened: string | undefined;
  readonly #tables: KnownTables;
  readonly anchor: Anchor;
  readonly journals: JournalFolder;

  constructor(path: string) {
    this.#path = path;
    this.#tables = new KnownTables(path);
    const anchor = anchorIn(path);
    this.anchor = {
      read: () => anchor.read(),
      write: async (writes) => {
        await this.#assertSame();
        await anchor.write(writes);
        await this.#tables.note();
      },
    };
    const journals = journalIn(path);
    this.journals = {
      ...journals,
      create: async (id, header, durable) => {
        await this.#assertSame();
        return this.#held(await journals.create(id, header, durable));
      },
    };
  }

  /** @throws Reto3Error what `openDatabase` throws */
  openStore(): Promise<Store> {
    return Store.open(
      (options) => this.#open(options),
      async () => {
        if (await this.#isSame()) await this.#tables.closed();
      },
    );
  }

  /** The same, where there is one. @throws Reto3Error what `openExistingDatabase` throws */
  openExistingStore(): Promise<Store> {
    return Store.open(async () => {
      const database = await openExistingDatabase(this.#path);
      this.#opened ??= await inodeOf(this.#path);
      return database;
    });
  }

  /** A journal file whose syncs also find out whether the folder is where it was. */
  #held(file: JournalFile): JournalFile {
    return {
      get size() {
        return file.size;
      },
      grow: (size) => file.grow(size),
      writeSync: (bytes, at) => file.writeSync(bytes, at),
      write: (bytes, at) => file.write(bytes, at),
      sync: async () => {
        await Promise.all([this.#assertSame(), file.sync()]);
      },
      close: () => file.close(),
    };
  }

  async #open(options: { readonly create: boolean }): Promise<Database> {
    if (this.#opened !== undefined) await this.#assertSame();
    const database = await openDatabase(this.#path, options, this.#tables);
    // Opened again after a failure, it is still the same process that has not closed it.
    if (this.#opened === undefined) {
      this.#opened = await inodeOf(this.#path);
      await this.#tables.opened();
    }
    return database;
  }

  async #isSame(): Promise<boolean> {
    return (await inodeOf(this.#path)) === this.#opened;
  }

  /** @throws Reto3Error RETO3_STORE_FAILING where another folder, or none, has its path */
  async #assertSame(): Promise<void> {
    if (await this.#isSame()) return;
    const now = await inodeOf(this.#path);
    const found = now === undefined ? 'it is gone' : 'another folder lies there';
    throw new Reto3Error('RETO3_STORE_FAILING', `cannot write to ${this.#path}: ${found}`, {
      hint: 'put the folder back; the server keeps counting and recovers by itself',
    });
  }
}

/** Which folder a path leads to; undefined where there is none. */
async function inodeOf(path: string): Promise<string | undefined> {
  try {
    // Without the device: a disk that is mounted again may get another number.
    return String((await stat(path, { bigint: true })).ino);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
