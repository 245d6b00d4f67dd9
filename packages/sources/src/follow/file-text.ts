/**
 * The text of one file that is followed, readable from any offset; decompressed where the file is
 * compressed. It stays the same text whatever the file is called meanwhile.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { decompressedFile, isCompressed } from '../input.ts';

/** Where a file lies; as texts, since inodes may be beyond 2^53. */
export interface FileId {
  readonly device: string;
  readonly inode: string;
}

export interface FileText {
  readonly id: FileId;
  readonly isCompressed: boolean;
  /** Fills the buffer from an offset on, as far as the text goes. Returns how many bytes it has. */
  read(into: Buffer, at: number): Promise<number>;
  /** How many bytes lie behind an offset; of compressed text 0, since nobody knows. */
  bytesBehind(offset: number): Promise<number>;
  close(): Promise<void>;
}

/** The file there, with the times of its last write and last change, ns; undefined if there is none. */
export async function fileAt(
  place: string,
): Promise<{ id: FileId; writtenNs: bigint; changedNs: bigint } | undefined> {
  const found = await stat(place, { bigint: true }).catch(() => undefined);
  if (found === undefined || !found.isFile()) return undefined;
  const id = { device: String(found.dev), inode: String(found.ino) };
  return { id, writtenNs: found.mtimeNs, changedNs: found.ctimeNs };
}

/** @throws Error where it is no file, and what opening a file throws */
export async function openText(place: string): Promise<FileText> {
  // To open a pipe would wait for its writer.
  if (!(await stat(place)).isFile()) throw new Error('it is no file');
  const file = await open(place);
  try {
    const { dev, ino } = await file.stat({ bigint: true });
    const id = { device: String(dev), inode: String(ino) };
    const first = Buffer.alloc(8);
    await file.read(first, 0, first.length, 0);
    return isCompressed(place, first)
      ? new CompressedText(id, place, file)
      : new PlainText(id, file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The same; undefined where there is no such file. */
export async function openTextIfThere(place: string): Promise<FileText | undefined> {
  try {
    return await openText(place);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Closes the text unless it was taken. */
export async function closingUnless(text: FileText, take: () => Promise<boolean>): Promise<void> {
  let isTaken = false;
  try {
    isTaken = await take();
  } finally {
    if (!isTaken) await text.close();
  }
}

/** So many bytes from an offset on, or those that there are. */
export async function bytesAt(text: FileText, at: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  return buffer.subarray(0, await text.read(buffer, at));
}

export function isSameFile(one: FileId, other: FileId): boolean {
  return one.device === other.device && one.inode === other.inode;
}

class PlainText implements FileText {
  readonly id: FileId;
  readonly isCompressed = false;
  readonly #file: FileHandle;

  constructor(id: FileId, file: FileHandle) {
    this.id = id;
    this.#file = file;
  }

  async read(into: Buffer, at: number): Promise<number> {
    const { bytesRead } = await this.#file.read(into, 0, into.length, at);
    return bytesRead;
  }

  async bytesBehind(offset: number): Promise<number> {
    const { size } = await this.#file.stat();
    return Math.max(0, size - offset);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Holds the text from the last offset that was read; whoever reads before it starts again. */
class CompressedText implements FileText {
  readonly id: FileId;
  readonly isCompressed = true;
  readonly #place: string;
  readonly #file: FileHandle;
  #chunks: AsyncGenerator<Buffer> | undefined;
  #held: Buffer = Buffer.alloc(0);
  #heldFrom = 0;

  constructor(id: FileId, place: string, file: FileHandle) {
    this.id = id;
    this.#place = place;
    this.#file = file;
  }

  async read(into: Buffer, at: number): Promise<number> {
    const chunks = await this.#chunksBefore(at);
    while (this.#heldFrom + this.#held.length < at + into.length) {
      const { done, value } = await chunks.next();
      if (done === true) break;
      this.#drop(at);
      this.#held = Buffer.concat([this.#held, value]);
    }
    this.#drop(at);
    return at === this.#heldFrom ? this.#held.copy(into) : 0;
  }

  async bytesBehind(): Promise<number> {
    return 0;
  }

  async close(): Promise<void> {
    await this.#chunks?.return(undefined);
    await this.#file.close();
  }

  async #chunksBefore(at: number): Promise<AsyncGenerator<Buffer>> {
    if (this.#chunks !== undefined && at >= this.#heldFrom) return this.#chunks;
    await this.#chunks?.return(undefined);
    this.#held = Buffer.alloc(0);
    this.#heldFrom = 0;
    this.#chunks = decompressedFile(this.#place, this.#file);
    return this.#chunks;
  }

  #drop(at: number): void {
    const bytes = Math.min(this.#held.length, at - this.#heldFrom);
    this.#held = this.#held.subarray(bytes);
    this.#heldFrom += bytes;
  }
}
