/** A tmpfs of a few megabytes that can be filled and grown; it is unmounted when its test ends. */
import { spawnSync } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from '../../support/folder.ts';

const pieceBytes = 65_536;
/** The file system's page size: with less than this free, the disk is full. */
const pageBytes = 4_096;

/** The prefix of its mounts; scripts/faults.mjs cleans up by it after an aborted run. */
const { RETO3_FAULTS_DEVICE: device = 'reto3-faults' } = process.env;

export class Tmpfs {
  readonly folder: string;
  #megabytes: number;

  private constructor(folder: string, megabytes: number) {
    this.folder = folder;
    this.#megabytes = megabytes;
  }

  static async mount(megabytes: number): Promise<Tmpfs> {
    const folder = await temporaryFolder();
    run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, device, folder]);
    onTestFinished(() => {
      // Unmount lazily: any process with an open file there is about to end.
      run('umount', ['-l', folder]);
    });
    return new Tmpfs(folder, megabytes);
  }

  grow(megabytes: number): void {
    this.#megabytes = megabytes;
    run('mount', ['-o', `remount,size=${megabytes}m`, this.folder]);
  }

  /**
   * Fills the free space to the last byte. Throws if more fits than the tmpfs holds: an aborted run
   * unmounts it, and whatever is still filling the folder then fills the machine's own disk.
   */
  async fill(): Promise<void> {
    let left = this.#megabytes * 1_048_576;
    const file = await open(join(this.folder, 'filler'), 'a');
    try {
      for (const bytes of [pieceBytes, pageBytes]) {
        const piece = Buffer.alloc(bytes);
        while (await fits(() => file.write(piece))) {
          left -= bytes;
          if (left < 0) throw new Error(`${this.folder} is no longer a tmpfs`);
        }
      }
    } finally {
      await file.close();
    }
  }
}

async function fits(write: () => Promise<{ bytesWritten: number }>): Promise<boolean> {
  try {
    return (await write()).bytesWritten > 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false;
    throw error;
  }
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cannot ${command} ${args.join(' ')}: ${stderr}`);
}
