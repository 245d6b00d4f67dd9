/**
 * The journal files of a data folder: JOURNAL-<id>. A file has that name only once its header is on
 * the disk, so one whose header cannot be read is damaged, not begun.
 *
 * A file that is no longer needed becomes JOURNAL-SPARE and is used again: its blocks are
 * allocated, so an fsync has nothing but the data to write.
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

/** One journal file that is open for writing. */
export interface JournalFile {
  /** Bytes that may be written without `grow`. */
  readonly size: number;
  /** Makes the file larger. */
  grow(size: number): void;
  /** Writes without waiting for the disk; blocks the thread while the kernel takes the bytes. */
  writeSync(bytes: Uint8Array, at: number): void;
  /** The same without blocking the thread; on the disk when it resolves if the file is durable. */
  write(bytes: Uint8Array, at: number): Promise<void>;
  /** Puts on the disk what was written before. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface JournalFolder {
  /** The ids of all journal files, ascending. */
  ids(): Promise<number[]>;
  read(id: number): Promise<Buffer>;
  /**
   * Makes a file with that header and opens it. The file is on the disk when this resolves.
   * @param durable whether every write waits for the disk
   */
  create(id: number, header: Uint8Array, durable: boolean): Promise<JournalFile>;
  /** Removes a file, or keeps it to be used again. */
  retire(id: number): Promise<void>;
  /**
   * Records may fit into blocks that are allocated already long after the disk is full.
   * @throws what the kernel says (ENOSPC) where the disk takes not one page more
   */
  assertRoom(): Promise<void>;
}

const prefix = 'JOURNAL-';
const spareName = `${prefix}SPARE`;
const probeName = `${prefix}PROBE`;
const page = Buffer.alloc(4_096);
/** A spare file that is larger has grown by a report or a failing disk, and is let go. */
const largestSpareBytes = 16 * pieceBytes;

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
      if (size > largestSpareBytes) await rm(path);
      else await rename(path, spare);
    },

    async assertRoom() {
      const { bavail } = await statfs(folder);
      if (bavail > 0) return;
      // Some may write all the same: root, and everybody where a file system cannot tell.
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

/** A new name is on the disk when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders, and its file systems log new names.
  if (process.platform === 'win32') return;
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
