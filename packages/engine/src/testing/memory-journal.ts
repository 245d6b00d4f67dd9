/** Journal files in memory, for tests. They survive a restart of the server, but have no fsync. */
import { pieceBytes } from '../journal/format.ts';
import type { JournalFile, JournalFolder } from '../journal/journal-folder.ts';

export class MemoryJournal implements JournalFolder {
  readonly files = new Map<number, Buffer>();
  /** While set, all writes fail. */
  failing = false;
  /** While set, `assertRoom` throws; writes into existing files succeed. */
  full = false;

  async ids(): Promise<number[]> {
    return [...this.files.keys()].sort((a, b) => a - b);
  }

  async read(id: number): Promise<Buffer> {
    const file = this.files.get(id);
    if (file === undefined) throw new Error(`no journal ${id}`);
    return Buffer.from(file);
  }

  async create(id: number, header: Uint8Array): Promise<JournalFile> {
    const { files } = this;
    files.set(id, Buffer.concat([header, Buffer.alloc(pieceBytes - header.length)]));
    const bytes = (): Buffer => files.get(id) ?? Buffer.alloc(0);
    const writeSync = (piece: Uint8Array, at: number): void => {
      if (this.failing) throw new Error('the disk is full');
      bytes().set(piece, at);
    };
    return {
      get size() {
        return bytes().length;
      },
      grow: (size) => {
        files.set(id, Buffer.concat([bytes(), Buffer.alloc(size - bytes().length)]));
      },
      writeSync,
      write: async (piece, at) => writeSync(piece, at),
      sync: async () => undefined,
      close: async () => undefined,
    };
  }

  async retire(id: number): Promise<void> {
    this.files.delete(id);
  }

  async assertRoom(): Promise<void> {
    if (this.full) throw new Error('ENOSPC');
  }
}
