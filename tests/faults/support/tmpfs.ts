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

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async mount(megabytes: number): Promise<Tmpfs> {
    const folder = await temporaryFolder();
    run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, device, folder]);
    onTestFinished(() => {
      // Unmount lazily: any process with an open file there is about to end.
      run('umount', ['-l', folder]);
    });
    return new Tmpfs(folder);
  }

  grow(megabytes: number): void {
    run('mount', ['-o', `remount,size=${megabytes}m`, this.folder]);
  }

  /** Fills the free space to the last byte. */
  async fill(): Promise<void> {
    const file = await open(join(this.folder, 'filler'), 'a');
    try {
      for (const bytes of [pieceBytes, pageBytes]) {
        const piece = Buffer.alloc(bytes);
        while (await fits(() => file.write(piece)));
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
