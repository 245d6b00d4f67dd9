/** The files of the archive with their sizes. Deletes the oldest when a limit is exceeded. */
import { rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { MonotonicMs } from '@reto3/core';
import { listArchive } from './folder.ts';
import { type ArchiveFile, covers, hourMs } from './layout.ts';
import { readSegment } from './segment.ts';

/** A complete file. */
export interface KeptFile extends ArchiveFile {
  readonly messages: number;
  readonly bytes: number;
}

interface Limits {
  readonly maxBytes: number;
  /** Hours that end earlier are too old, epoch ms. */
  readonly before: number;
}

/** The status is read after every flush, so its cost does not grow with the number of files. */
export class Catalogue {
  readonly #folder: string;
  /** By hour and sequence. */
  #files: KeptFile[] = [];
  #messages = 0;
  #bytes = 0;
  #lastSequence = 0;
  /** Files that other programs may still be reading; not included in any total. */
  #superseded: { readonly file: KeptFile; readonly since: MonotonicMs }[] = [];

  /** Lists the folder. @throws Reto3Error RETO3_DATA_VERSION; file system errors */
  constructor(folder: string) {
    this.#folder = folder;
    for (const file of listArchive(folder)) {
      const path = join(folder, file.path);
      const messages = file.messages ?? readSegment(path).messages;
      this.add({ ...file, messages, bytes: statSync(path).size });
    }
  }

  /** Adds a file; a Parquet file replaces its segment. */
  add(file: KeptFile): void {
    const at = this.#placeOf(file);
    const before = this.#files[at];
    const replaces = before !== undefined && inOrder(before, file) === 0;
    if (replaces) this.#leave(before);
    // Nearly all files are the newest, and inserting with `splice` copies the array.
    if (at === this.#files.length) this.#files.push(file);
    else this.#files.splice(at, replaces ? 1 : 0, file);
    this.#messages += file.messages;
    this.#bytes += file.bytes;
    this.#lastSequence = Math.max(this.#lastSequence, file.sequence);
  }

  forget(file: ArchiveFile): void {
    const at = this.#placeOf(file);
    const found = this.#files[at];
    if (found === undefined || inOrder(found, file) !== 0) return;
    this.#files.splice(at, 1);
    this.#leave(found);
  }

  /** Replaces several files by one. The old ones stay on disk until `deleteSuperseded`. */
  supersede(sources: readonly KeptFile[], file: KeptFile, now: MonotonicMs): void {
    for (const source of sources) this.forget(source);
    this.add(file);
    this.#superseded.push(...sources.map((source) => ({ file: source, since: now })));
  }

  /** Deletes files superseded up to this monotonic time. @throws file system errors */
  deleteSuperseded(until: number): void {
    this.#deleteSuperseded(({ since }) => since <= until);
  }

  /** Oldest first. */
  get files(): readonly KeptFile[] {
    return this.#files;
  }

  /** The largest sequence that any file has had; none is used twice. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** Totals of all files. */
  totals(): { readonly files: number; readonly messages: number; readonly bytes: number } {
    return { files: this.#files.length, messages: this.#messages, bytes: this.#bytes };
  }

  /**
   * Deletes the oldest files until the rest is within the limits, or until one cannot be deleted.
   * Returns the deleted ones.
   * @param beside the size of open segments, in bytes
   * @param busy sequences of files that are being converted or compacted, and must stay
   * @throws file system errors, if nothing was deleted
   */
  trim(
    { maxBytes, before }: Limits,
    beside: number,
    busy: ReadonlySet<number> = new Set(),
  ): KeptFile[] {
    let { bytes } = this.totals();
    const deleted: KeptFile[] = [];
    for (const file of this.#files) {
      const tooOld = file.hour + hourMs < before;
      if (!tooOld && bytes + beside <= maxBytes) break;
      if (busy.has(file.sequence)) continue;
      try {
        this.#delete(file);
      } catch (error) {
        // The next call fails at once, if this is not over by then.
        if (deleted.length === 0) throw error;
        break;
      }
      bytes -= file.bytes;
      deleted.push(file);
    }
    if (deleted.length === 0) return deleted;
    for (const file of deleted) this.#leave(file);
    const gone = new Set(deleted);
    this.#files = this.#files.filter((file) => !gone.has(file));
    return deleted;
  }

  #delete(file: KeptFile): void {
    // First, or the files that this one supersedes would count again.
    this.#deleteSuperseded((other) => covers(file, other.file));
    rmSync(join(this.#folder, file.path), { force: true });
    this.#removeEmpty(dirname(file.path));
  }

  #deleteSuperseded(
    isDue: (superseded: { readonly file: KeptFile; readonly since: MonotonicMs }) => boolean,
  ): void {
    if (this.#superseded.length === 0) return;
    this.#superseded = this.#superseded.filter((superseded) => {
      if (!isDue(superseded)) return true;
      rmSync(join(this.#folder, superseded.file.path), { force: true });
      return false;
    });
  }

  /** The index of a file, or where to insert it. */
  #placeOf(file: ArchiveFile): number {
    let [low, high] = [0, this.#files.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#files[middle];
      if (other !== undefined && inOrder(other, file) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #leave({ messages, bytes }: KeptFile): void {
    this.#messages -= messages;
    this.#bytes -= bytes;
  }

  /** Removes the folder of an hour, and then of a day, if empty. */
  #removeEmpty(path: string): void {
    if (!path.startsWith('date=')) return;
    try {
      rmdirSync(join(this.#folder, path));
    } catch {
      // Not empty.
      return;
    }
    this.#removeEmpty(dirname(path));
  }
}

function inOrder(a: ArchiveFile, b: ArchiveFile): number {
  return a.hour - b.hour || a.sequence - b.sequence;
}
