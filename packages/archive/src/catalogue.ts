/** Which files the archive has, how large they are, and which of them go when it is too large. */
import { rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { listArchive } from './folder.ts';
import { type ArchiveFile, covers, hourMs } from './layout.ts';
import type { ArchiveLimits } from './messages.ts';
import { readSegment } from './segment.ts';

/** A file that nobody appends to any more. */
export interface KeptFile extends ArchiveFile {
  readonly messages: number;
  readonly bytes: number;
}

/** The status is asked for after every flush: nothing here grows with the number of files. */
export class Catalogue {
  readonly #folder: string;
  /** In order of hour and sequence. */
  #files: KeptFile[] = [];
  #messages = 0;
  #bytes = 0;
  #lastSequence = 0;
  /** What other programs may still be reading; in no total. */
  #superseded: { readonly file: KeptFile; readonly sinceMs: number }[] = [];

  /** Knows what lies in the folder. @throws Reto3Error RETO3_DATA_VERSION; what the disk says */
  constructor(folder: string) {
    this.#folder = folder;
    for (const file of listArchive(folder)) {
      const path = join(folder, file.path);
      const messages = file.messages ?? readSegment(path).messages;
      this.add({ ...file, messages, bytes: statSync(path).size });
    }
  }

  /** Adds a file, or puts it in the place of the segment that it was made of. */
  add(file: KeptFile): void {
    const at = this.#placeOf(file);
    const before = this.#files[at];
    const replaces = before !== undefined && inOrder(before, file) === 0;
    if (replaces) this.#leave(before);
    // Nearly all are the newest; `splice` copies the array where it inserts.
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

  /** Has a file take the place of several; they stay on the disk until they are deleted. */
  supersede(sources: readonly KeptFile[], file: KeptFile, nowMs: number): void {
    for (const source of sources) this.forget(source);
    this.add(file);
    this.#superseded.push(...sources.map((source) => ({ file: source, sinceMs: nowMs })));
  }

  /** Deletes what was superseded by then. @throws what the disk says */
  deleteSuperseded(untilMs: number): void {
    this.#deleteSuperseded(({ sinceMs }) => sinceMs <= untilMs);
  }

  /** Oldest first. */
  get files(): readonly KeptFile[] {
    return this.#files;
  }

  /** The largest that any file had, so that no other ever gets it. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** Of all files: how many, and what they hold. */
  totals(): { readonly files: number; readonly messages: number; readonly bytes: number } {
    return { files: this.#files.length, messages: this.#messages, bytes: this.#bytes };
  }

  /**
   * Deletes the oldest files until the others are within the limits; returns those.
   * @param beside bytes of segments that are being appended to
   * @param busy the sequences of those that must stay: they are being converted or made one
   */
  trim(
    { mostBytes, mostAgeMs }: ArchiveLimits,
    nowMs: number,
    beside: number,
    busy: ReadonlySet<number> = new Set(),
  ): KeptFile[] {
    let { bytes } = this.totals();
    const deleted: KeptFile[] = [];
    for (const file of this.#files) {
      const tooOld = file.hour + hourMs < nowMs - mostAgeMs;
      if (!tooOld && bytes + beside <= mostBytes) break;
      if (busy.has(file.sequence)) continue;
      // Before it: what it supersedes must not count again.
      this.#deleteSuperseded((other) => covers(file, other.file));
      rmSync(join(this.#folder, file.path), { force: true });
      this.#removeEmpty(dirname(file.path));
      bytes -= file.bytes;
      deleted.push(file);
    }
    if (deleted.length === 0) return deleted;
    for (const file of deleted) this.#leave(file);
    const gone = new Set(deleted);
    this.#files = this.#files.filter((file) => !gone.has(file));
    return deleted;
  }

  #deleteSuperseded(
    isDue: (superseded: { readonly file: KeptFile; readonly sinceMs: number }) => boolean,
  ): void {
    if (this.#superseded.length === 0) return;
    this.#superseded = this.#superseded.filter((superseded) => {
      if (!isDue(superseded)) return true;
      rmSync(join(this.#folder, superseded.file.path), { force: true });
      return false;
    });
  }

  /** Where a file is, or belongs: the place of the first that does not come before it. */
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

  /** The folder of an hour, and then of a day, once nothing is in it. */
  #removeEmpty(path: string): void {
    if (!path.startsWith('date=')) return;
    try {
      rmdirSync(join(this.#folder, path));
    } catch {
      // Something is in it still.
      return;
    }
    this.#removeEmpty(dirname(path));
  }
}

function inOrder(a: ArchiveFile, b: ArchiveFile): number {
  return a.hour - b.hour || a.sequence - b.sequence;
}
