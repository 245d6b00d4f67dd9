/** Which files the archive has, how large they are, and which of them go when it is too large. */
import { rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { listArchive } from './folder.ts';
import { type ArchiveFile, hourMs } from './layout.ts';
import type { ArchiveLimits } from './messages.ts';
import { readSegment } from './segment.ts';

/** A file that nobody appends to any more. */
export interface KeptFile extends ArchiveFile {
  readonly messages: number;
  readonly bytes: number;
}

export class Catalogue {
  readonly #folder: string;
  /** By sequence. */
  readonly #files = new Map<number, KeptFile>();

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
    this.#files.set(file.sequence, file);
  }

  forget(sequence: number): void {
    this.#files.delete(sequence);
  }

  get files(): readonly KeptFile[] {
    return [...this.#files.values()].sort((a, b) => a.hour - b.hour || a.sequence - b.sequence);
  }

  get lastSequence(): number {
    return Math.max(0, ...this.#files.keys());
  }

  /** Of all files: how many, and what they hold. */
  totals(): { readonly files: number; readonly messages: number; readonly bytes: number } {
    let messages = 0;
    let bytes = 0;
    for (const file of this.#files.values()) {
      messages += file.messages;
      bytes += file.bytes;
    }
    return { files: this.#files.size, messages, bytes };
  }

  /**
   * Deletes the oldest files until the others are within the limits; returns those.
   * @param beside bytes of segments that are being appended to
   * @param busy the sequence of one that must stay, because it is being converted
   */
  trim(
    { mostBytes, mostAgeMs }: ArchiveLimits,
    nowMs: number,
    beside: number,
    busy?: number,
  ): KeptFile[] {
    let { bytes } = this.totals();
    const deleted: KeptFile[] = [];
    for (const file of this.files) {
      const tooOld = file.hour + hourMs < nowMs - mostAgeMs;
      if (!tooOld && bytes + beside <= mostBytes) break;
      if (file.sequence === busy) continue;
      rmSync(join(this.#folder, file.path), { force: true });
      this.#removeEmpty(dirname(file.path));
      this.#files.delete(file.sequence);
      bytes -= file.bytes;
      deleted.push(file);
    }
    return deleted;
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
