/**
 * The text of one followed file, readable from any offset, and decompressed if necessary. Renaming
 * the file does not change it.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { decompressedFile, isCompressed } from '../input.ts';

/** Identifies a file; as strings, since inodes may exceed 2^53. */
export interface FileId {
  readonly device: string;
  readonly inode: string;
}

export interface FileText {
  readonly id: FileId;
  readonly isCompressed: boolean;
  /** Fills the buffer from an offset, as far as the text goes. Returns the bytes read. */
  read(into: Buffer, at: number): Promise<number>;
  /** Bytes behind an offset; 0 for compressed text, whose length is unknown. */
  bytesBehind(offset: number): Promise<number>;
  close(): Promise<void>;
}

/** The file at a path, with its last write and last change, ns; undefined without one. */
export async function fileAt(
  place: string,
): Promise<{ id: FileId; writtenNs: bigint; changedNs: bigint } | undefined> {
  const found = await stat(place, { bigint: true }).catch(() => undefined);
  if (found === undefined || !found.isFile()) return undefined;
  const id = { device: String(found.dev), inode: String(found.ino) };
  return { id, writtenNs: found.mtimeNs, changedNs: found.ctimeNs };
}

/** @throws Error if it is not a regular file, and whatever opening a file throws */
export async function openText(place: string): Promise<FileText> {
  // Opening a pipe would wait for its writer.
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

/** The same; undefined if there is no such file. */
export async function openTextIfThere(place: string): Promise<FileText | undefined> {
  try {
    return await openText(place);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Closes the text unless `take` keeps it. */
export async function closingUnless(text: FileText, take: () => Promise<boolean>): Promise<void> {
  let isTaken = false;
  try {
    isTaken = await take();
  } finally {
    if (!isTaken) await text.close();
  }
}

/** The next bytes from an offset, or fewer at the end. */
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

/** Holds the text from the last offset read; reading before it decompresses anew. */
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
