/**
 * Journal files on the simulated disk. The kernel has a write at once; an fsync, or any write to a
 * durable file, syncs it. After a power cut, some of the unsynced writes remain, whatever their
 * order, and some of them in part; a failed fsync may drop some of them.
 */
import type { Random } from '@reto3/core/testing';
import { headerBytes, pieceBytes } from '../journal/format.ts';
import type { JournalFile, JournalFolder } from '../journal/journal-folder.ts';

/** The state of the disk that the files share. */
interface DiskState {
  /** Raised by a crash; the open files of earlier generations write nowhere. */
  generation(): number;
  fails(): boolean;
  /** Call it once for each fsync. */
  syncFails(): boolean;
  /** Resolves at once, or when a slow disk is released. */
  wait(): Promise<void>;
}

type Write = { readonly at: number; readonly bytes: Buffer } | { readonly size: number };

interface File {
  /** Its content after the worst power cut. */
  synced: Buffer;
  unsynced: Write[];
}

export class SimulatedJournals implements JournalFolder {
  readonly #random: Random;
  readonly #disk: DiskState;
  readonly #files = new Map<number, File>();

  constructor(random: Random, disk: DiskState) {
    this.#random = random;
    this.#disk = disk;
  }

  async ids(): Promise<number[]> {
    return [...this.#files.keys()].sort((a, b) => a - b);
  }

  async read(id: number): Promise<Buffer> {
    const file = this.#files.get(id);
    if (file === undefined) throw failure('ENOENT');
    return file.unsynced.reduce(applied, Buffer.from(file.synced));
  }

  async create(id: number, header: Uint8Array, durable: boolean): Promise<JournalFile> {
    const generation = this.#disk.generation();
    await this.#disk.wait();
    if (this.#disk.syncFails()) throw failure('EIO');
    const file: File = { synced: Buffer.alloc(pieceBytes), unsynced: [] };
    file.synced.set(header);
    if (generation === this.#disk.generation()) this.#files.set(id, file);
    return new OpenFile(file, generation, durable, this.#random, this.#disk);
  }

  async retire(id: number): Promise<void> {
    const generation = this.#disk.generation();
    await this.#disk.wait();
    if (this.#disk.fails()) throw failure('EIO');
    if (generation === this.#disk.generation()) this.#files.delete(id);
  }

  async assertRoom(): Promise<void> {
    if (this.#disk.fails()) throw failure('ENOSPC');
  }

  /** Copies the files; the result restores them. */
  copy(): () => void {
    const copied = (files: Map<number, File>): Map<number, File> =>
      new Map(
        [...files].map(([id, { synced, unsynced }]) => [
          id,
          { synced: Buffer.from(synced), unsynced: [...unsynced] },
        ]),
      );
    const files = copied(this.#files);
    return () => {
      this.#files.clear();
      for (const [id, file] of copied(files)) this.#files.set(id, file);
    };
  }

  /** Cuts the power: of each file, some of the unsynced writes survive. */
  cutPower(): void {
    for (const file of this.#files.values()) {
      file.synced = survivors(file.unsynced, this.#random)
        .map((write) => (this.#random.chance(0.1) ? torn(write, this.#random) : write))
        .reduce(applied, file.synced);
      file.unsynced = [];
    }
  }
}

class OpenFile implements JournalFile {
  readonly #file: File;
  readonly #generation: number;
  readonly #durable: boolean;
  readonly #random: Random;
  readonly #disk: DiskState;
  size = pieceBytes;

  constructor(file: File, generation: number, durable: boolean, random: Random, disk: DiskState) {
    this.#file = file;
    this.#generation = generation;
    this.#durable = durable;
    this.#random = random;
    this.#disk = disk;
  }

  grow(size: number): void {
    this.#take({ size });
    this.size = size;
  }

  writeSync(bytes: Uint8Array, at: number): void {
    this.#take({ at, bytes: Buffer.from(bytes) });
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    const write = { at, bytes: Buffer.from(bytes) };
    if (!this.#durable) {
      this.#take(write);
      return;
    }
    await this.#disk.wait();
    if (this.#isDead) return;
    const fails = this.#disk.syncFails();
    if (!fails || this.#random.chance(0.5)) this.#file.unsynced.push(write);
    if (fails) throw failure('EIO');
    this.#markSynced(this.#file.unsynced.length);
  }

  async sync(): Promise<void> {
    const writes = this.#file.unsynced.length;
    await this.#disk.wait();
    if (this.#isDead) return;
    if (this.#disk.syncFails()) {
      // After a failed fsync, the kernel may drop unsynced pages.
      const dropped = this.#file.unsynced.splice(0, writes);
      this.#file.unsynced.unshift(...survivors(dropped, this.#random));
      throw failure('EIO');
    }
    this.#markSynced(Math.min(writes, this.#file.unsynced.length));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  get #isDead(): boolean {
    return this.#generation !== this.#disk.generation();
  }

  #take(write: Write): void {
    if (this.#isDead) return;
    const fails = this.#disk.fails();
    if (!fails || this.#random.chance(0.5)) this.#file.unsynced.push(write);
    if (fails) throw failure('ENOSPC');
  }

  #markSynced(writes: number): void {
    this.#file.synced = this.#file.unsynced.splice(0, writes).reduce(applied, this.#file.synced);
  }
}

/** All of them, a first part, or some. */
function survivors(writes: readonly Write[], random: Random): Write[] {
  const how = random.pick(['all', 'first', 'some'] as const);
  if (how === 'first') return writes.slice(0, random.between(0, writes.length));
  return writes.filter(() => how === 'all' || random.chance(0.5));
}

function torn(write: Write, random: Random): Write {
  // Disks write a sector whole, and so a header.
  if (!('bytes' in write) || write.at < headerBytes) return write;
  return { ...write, bytes: write.bytes.subarray(0, random.between(0, write.bytes.length - 1)) };
}

/** The content after a write; reuses the memory if it is large enough. */
function applied(before: Buffer, write: Write): Buffer {
  if ('bytes' in write) {
    // Without the growth of the file, what was written there is lost too.
    const bytes = write.bytes.subarray(0, Math.max(0, before.length - write.at));
    if (bytes.length > 0) before.set(bytes, write.at);
    return before;
  }
  if (write.size <= before.length) return before;
  return Buffer.concat([before, Buffer.alloc(write.size - before.length)]);
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code });
}
