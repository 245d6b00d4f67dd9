/**
 * The journal files of a data folder: JOURNAL-<id>. A file gets that name once its header is on
 * disk, so an unreadable header is damage, not an interrupted creation.
 *
 * A file that is no longer needed becomes JOURNAL-SPARE and is reused: its blocks are allocated, so
 * an fsync writes only data.
 */
import { constants, ftruncateSync, writeSync } from 'node:fs';
import {
  type FileHandle,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { pieceBytes } from './format.ts';

/** A journal file that is open for writing. Every method throws the error of the file system. */
export interface JournalFile {
  /** In bytes; a write must end within it. */
  readonly size: number;
  grow(size: number): void;
  /** Writes into the page cache; blocks the thread while the kernel copies the bytes. */
  writeSync(bytes: Uint8Array, at: number): void;
  /** Writes without blocking the thread. If the file is durable, the bytes are then on disk. */
  write(bytes: Uint8Array, at: number): Promise<void>;
  /** Puts on disk what was written before. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface JournalFolder {
  /** The ids of all journal files, ascending. */
  ids(): Promise<number[]>;
  read(id: number): Promise<Buffer>;
  /**
   * Creates a file with that header, on disk, and opens it.
   * @param durable whether every `write` waits for the disk
   */
  create(id: number, header: Uint8Array, durable: boolean): Promise<JournalFile>;
  /** Removes a file, or keeps it for reuse. */
  retire(id: number): Promise<void>;
  /**
   * Records may fit into allocated blocks long after the disk is full, so this asks the disk.
   * @throws ENOSPC if the disk has no room for another page
   */
  assertRoom(): Promise<void>;
}

const prefix = 'JOURNAL-';
const spareName = `${prefix}SPARE`;
const probeName = `${prefix}PROBE`;
const page = Buffer.alloc(4_096);
/** A file that a report or a failing disk has made larger than this is removed, not reused. */
const maxSpareBytes = 16 * pieceBytes;

function nameOf(id: number): string {
  return `${prefix}${id}`;
}

/** The journal files in `folder`. */
export function journalIn(folder: string): JournalFolder {
  const spare = join(folder, spareName);
  return {
    async ids() {
      return (await readdir(folder))
        .map((name) => new RegExp(`^${prefix}(\\d+)$`).exec(name)?.[1])
        .flatMap((id) => (id === undefined ? [] : Number(id)))
        .sort((a, b) => a - b);
    },

    read: (id) => readFile(join(folder, nameOf(id))),

    async create(id, header, durable) {
      const flags = constants.O_RDWR | constants.O_CREAT | (durable ? constants.O_DSYNC : 0);
      const handle = await open(spare, flags, 0o600);
      try {
        const { size } = await handle.stat();
        if (size < pieceBytes) await handle.truncate(pieceBytes);
        await writeAll(handle, header, 0);
        await handle.sync();
        await rename(spare, join(folder, nameOf(id)));
        await syncFolder(folder);
        return new OpenFile(handle, Math.max(size, pieceBytes));
      } catch (error) {
        await handle.close();
        throw error;
      }
    },

    async retire(id) {
      const path = join(folder, nameOf(id));
      const { size } = await stat(path);
      if (size > maxSpareBytes) await rm(path);
      else await rename(path, spare);
    },

    async assertRoom() {
      const { bavail } = await statfs(folder);
      if (bavail > 0) return;
      // Root may write all the same, and some file systems do not report their free blocks.
      const probe = join(folder, probeName);
      try {
        await writeFile(probe, page, { flush: true });
      } finally {
        await rm(probe, { force: true });
      }
    },
  };
}

class OpenFile implements JournalFile {
  readonly #handle: FileHandle;
  size: number;

  constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.size = size;
  }

  grow(size: number): void {
    ftruncateSync(this.#handle.fd, size);
    this.size = size;
  }

  writeSync(bytes: Uint8Array, at: number): void {
    for (let done = 0; done < bytes.length; )
      done += writeSync(this.#handle.fd, bytes, done, bytes.length - done, at + done);
  }

  write(bytes: Uint8Array, at: number): Promise<void> {
    return writeAll(this.#handle, bytes, at);
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

/** Puts new names in the folder on disk. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open folders, and its file systems journal names.
  if (process.platform === 'win32') return;
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
