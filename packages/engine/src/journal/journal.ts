/**
 * The journal: an append-only file that holds the open minutes since the last checkpoint. Not the
 * place of any decision: the flusher says when to write, sync and begin anew, and what a failure
 * means.
 *
 * A checkpoint begins a new file before it moves what is over into the database. Until the database
 * says that it goes on with the new file, both are read, oldest first; values are absolute, so
 * reading a record twice changes nothing.
 */
import { randomInt } from 'node:crypto';
import { encodeHeader, frameOf, headerBytes, type JournalHeader, pieceBytes } from './format.ts';
import type { JournalFile, JournalFolder } from './journal-folder.ts';

interface OpenJournal {
  header: JournalHeader;
  readonly file: JournalFile;
  /** Where the next frame begins. */
  end: number;
}

export class Journal {
  readonly #folder: JournalFolder;
  /** Oldest first; records go to the last. */
  #open: OpenJournal[] = [];
  #prepared: OpenJournal | undefined;

  constructor(folder: JournalFolder) {
    this.#folder = folder;
  }

  /** The file that records go to; 0 before the first. */
  get id(): number {
    return this.#open.at(-1)?.header.id ?? 0;
  }

  /** How many bytes the present file holds. */
  get bytes(): number {
    return this.#open.at(-1)?.end ?? 0;
  }

  /**
   * Makes the next file. Records go to it from `begin` on.
   * @param durable whether `appendDurable` is to be one trip to the disk
   */
  async prepare(boot: number, atLeast: number, durable: boolean): Promise<void> {
    const known = (await this.#folder.ids()).at(-1) ?? 0;
    const id = Math.max(known + 1, atLeast);
    const header = { id, boot, seed: randomInt(2 ** 32), size: pieceBytes };
    const file = await this.#folder.create(id, encodeHeader(header), durable);
    this.#prepared = { header, file, end: headerBytes };
  }

  /** Records go to the prepared file from now on. */
  begin(): void {
    if (this.#prepared === undefined) throw new Error('BUG: no journal is prepared');
    this.#open.push(this.#prepared);
    this.#prepared = undefined;
  }

  /** Appends a record. What it throws leaves nobody knowing what is in the file. */
  append(record: Uint8Array): void {
    const { file, frame, at } = this.#next(record);
    file.writeSync(frame, at);
  }

  /** The same without blocking the thread; one at a time. */
  async appendAsync(record: Uint8Array): Promise<void> {
    const { file, frame, at } = this.#next(record);
    await file.write(frame, at);
  }

  /** Puts on the disk what was appended before, to this file and those before it. */
  async sync(): Promise<void> {
    await Promise.all(this.#open.map(({ file }) => file.sync()));
  }

  /** @throws ENOSPC where the disk is full, although the next records may still fit */
  assertRoom(): Promise<void> {
    return this.#folder.assertRoom();
  }

  /** Removes all files but the present one: the database holds what is in them. */
  async retire(): Promise<void> {
    const present = this.#open.pop();
    const over = this.#open;
    this.#open = present === undefined ? [] : [present];
    for (const { file } of over) await file.close();
    for (const id of await this.#folder.ids())
      if (present !== undefined && id < present.header.id) await this.#folder.retire(id);
  }

  /** Closes all files, whatever became of them. */
  async close(): Promise<void> {
    const files = [...this.#open, ...(this.#prepared === undefined ? [] : [this.#prepared])];
    this.#open = [];
    this.#prepared = undefined;
    await Promise.allSettled(files.map(({ file }) => file.close()));
  }

  #next(record: Uint8Array) {
    const present = this.#open.at(-1);
    if (present === undefined) throw new Error('BUG: no journal is open');
    const { file, header, end: at } = present;
    const frame = frameOf(record, header.seed);
    const end = at + frame.length;
    if (end > file.size) file.grow(Math.ceil(end / pieceBytes) * pieceBytes);
    if (end > header.size) {
      // A file that was used before is larger than its header says.
      present.header = { ...header, size: file.size };
      file.writeSync(encodeHeader(present.header), 0);
    }
    present.end = end;
    return { file, frame, at };
  }
}
