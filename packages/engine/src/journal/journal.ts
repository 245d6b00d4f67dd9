/**
 * The journal: an append-only file with everything counted since the last checkpoint. It decides
 * nothing: the flusher decides when to write, sync and start a new file, and handles failures.
 *
 * A checkpoint starts a new file before it moves finished minutes into the database. Until the
 * database names the new file, a start reads both, oldest first; values are absolute, so reading a
 * record twice changes nothing.
 *
 * Invariant: the size in a header is never larger than the file is on disk.
 */
import { randomInt } from 'node:crypto';
import { encodeHeader, frameOf, headerBytes, type JournalHeader, pieceBytes } from './format.ts';
import type { JournalFile, JournalFolder } from './journal-folder.ts';

interface OpenJournal {
  header: JournalHeader;
  readonly file: JournalFile;
  /** Offset of the next frame. */
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

  /** The id of the current file; 0 before the first. */
  get id(): number {
    return this.#open.at(-1)?.header.id ?? 0;
  }

  /** How many bytes the current file contains. */
  get bytes(): number {
    return this.#open.at(-1)?.end ?? 0;
  }

  /**
   * Creates the next file, on disk. Records go to it from `begin` on.
   * @param minId the least id of the file
   * @param durable whether records are on disk once `appendAsync` resolves
   */
  async prepare(boot: number, minId: number, durable: boolean): Promise<void> {
    const known = (await this.#folder.ids()).at(-1) ?? 0;
    const id = Math.max(known + 1, minId);
    const header = { id, boot, seed: randomInt(2 ** 32), size: pieceBytes };
    const file = await this.#folder.create(id, encodeHeader(header), durable);
    this.#prepared = { header, file, end: headerBytes };
  }

  /** Makes the prepared file the current one. */
  begin(): void {
    if (this.#prepared === undefined) throw new Error('BUG: no journal is prepared');
    this.#open.push(this.#prepared);
    this.#prepared = undefined;
  }

  /** Appends a record, into the page cache. After an error the content of the file is unknown. */
  append(record: Uint8Array): void {
    const { file, frame, at } = this.#next(record);
    file.writeSync(frame, at);
  }

  /** Appends a record without blocking the thread; one at a time. */
  async appendAsync(record: Uint8Array): Promise<void> {
    const { file, frame, at } = this.#next(record);
    await file.write(frame, at);
  }

  /** Puts on disk what was appended before, in all open files. */
  async sync(): Promise<void> {
    const present = this.#open.at(-1);
    const size = present?.file.size;
    await Promise.all(this.#open.map(({ file }) => file.sync()));
    if (present === undefined || size === undefined || present.end <= present.header.size) return;
    // Only now: after a power cut a file that is shorter than its header says counts as damaged.
    present.header = { ...present.header, size };
    await present.file.write(encodeHeader(present.header), 0);
  }

  /** @throws ENOSPC if the disk is full, even if the next records still fit */
  assertRoom(): Promise<void> {
    return this.#folder.assertRoom();
  }

  /** Removes all files but the current one, once the database contains their records. */
  async retire(): Promise<void> {
    const present = this.#open.pop();
    if (present === undefined) return;
    const old = this.#open;
    this.#open = [present];
    for (const { file } of old) await file.close();
    for (const id of await this.#folder.ids())
      if (id < present.header.id) await this.#folder.retire(id);
  }

  /** Closes all files; errors do not matter any more. */
  async close(): Promise<void> {
    const files = [...this.#open, ...(this.#prepared === undefined ? [] : [this.#prepared])];
    this.#open = [];
    this.#prepared = undefined;
    await Promise.allSettled(files.map(({ file }) => file.close()));
  }

  /** The record's frame, and where to write it. Makes room for it. */
  #next(record: Uint8Array) {
    const present = this.#open.at(-1);
    if (present === undefined) throw new Error('BUG: no journal is open');
    const { file, header, end: at } = present;
    const frame = frameOf(record, header.seed);
    const end = at + frame.length;
    if (end > file.size) file.grow(Math.ceil(end / pieceBytes) * pieceBytes);
    present.end = end;
    return { file, frame, at };
  }
}
