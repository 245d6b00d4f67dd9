/**
 * The data folder that a server holds while it runs: database, journal and anchor, as long as the
 * path leads to the folder that was opened.
 *
 * LevelDB and the journal keep their files open, so they continue in a folder that was moved away,
 * while the anchor, a new journal and LevelDB's new files would go to whatever has the path now. So
 * the first opening remembers the folder's inode, and the anchor, each sync and every reopening
 * fail if the path leads elsewhere. In particular, another server's database is never opened:
 * LevelDB writes while it opens, and would write to our folder if that came back just then.
 */
import { stat } from 'node:fs/promises';
import { Reto3Error } from '@reto3/core';
import { type JournalFile, type JournalFolder, journalIn } from '../journal/journal-folder.ts';
import { type Anchor, anchorIn } from './anchor.ts';
import { type Database, openDatabase, openExistingDatabase } from './database.ts';
import { codeOf } from './database-failure.ts';
import { KnownTables } from './known-tables.ts';
import { assertOwner, type Owner } from './owner.ts';
import { giveToOwner } from './ownership.ts';
import { Store } from './store.ts';

/**
 * A merger writes the parts of all nodes: 7 MB a minute of a thousand nodes. LevelDB maps each open
 * table into memory, 2 MB, and compactions read all of them, so by default it would map up to 2 GB.
 * This leaves 64 tables, the fewest that LevelDB accepts.
 */
const mostFilesOfMerger = 74;

export class HeldFolder {
  readonly #path: string;
  readonly #owner: Owner;
  #opened: string | undefined;
  readonly #tables: KnownTables;
  readonly anchor: Anchor;
  readonly journals: JournalFolder;

  /** @param owner whose rows the folder has, or will have */
  constructor(path: string, owner: Owner = 'server') {
    this.#path = path;
    this.#owner = owner;
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

  /** @throws Reto3Error what `openDatabase` and `assertOwner` throw */
  async openStore(): Promise<Store> {
    const store = await Store.open(
      (options) => this.#open(options),
      async () => {
        if (await this.#isSame()) await this.#tables.closed();
      },
    );
    return this.#owned(store);
  }

  /**
   * Fails if there is no database.
   * @throws Reto3Error what `openExistingDatabase` and `assertOwner` throw
   */
  async openExistingStore(): Promise<Store> {
    const store = await Store.open(
      async () => {
        const database = await openExistingDatabase(this.#path);
        this.#opened ??= await inodeOf(this.#path);
        return database;
      },
      () => giveToOwner(this.#path),
    );
    return this.#owned(store);
  }

  /** The store, or none if the folder is another program's. */
  async #owned(store: Store): Promise<Store> {
    try {
      await assertOwner(store, this.#path, this.#owner);
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** A journal file whose syncs fail if the folder was moved. */
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
    const limit = this.#owner === 'merger' ? { mostOpenFiles: mostFilesOfMerger } : {};
    const database = await openDatabase(this.#path, { ...options, ...limit }, this.#tables);
    // Reopening after a failure does not count as another process.
    if (this.#opened === undefined) {
      this.#opened = await inodeOf(this.#path);
      await this.#tables.opened();
    }
    return database;
  }

  async #isSame(): Promise<boolean> {
    return (await inodeOf(this.#path)) === this.#opened;
  }

  /** @throws Reto3Error RETO3_STORE_FAILING if another folder, or none, has its path */
  async #assertSame(): Promise<void> {
    if (await this.#isSame()) return;
    const now = await inodeOf(this.#path);
    const found = now === undefined ? 'it is gone' : 'another folder lies there';
    throw new Reto3Error('RETO3_STORE_FAILING', `cannot write to ${this.#path}: ${found}`, {
      hint: 'put the folder back; the server keeps counting and recovers by itself',
    });
  }
}

/** The inode of the folder at a path; undefined if there is none. */
async function inodeOf(path: string): Promise<string | undefined> {
  try {
    // Without the device, whose number may change when a disk is mounted again.
    return String((await stat(path, { bigint: true })).ino);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
