/** Shifts or steps one process's wall clock, with Debian's libfaketime. */
import { existsSync, readdirSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from './folder.ts';

const libraries = '/usr/lib';

function findLibrary(): string | undefined {
  if (!existsSync(libraries)) return undefined;
  return readdirSync(libraries)
    .map((folder) => join(libraries, folder, 'faketime', 'libfaketimeMT.so.1'))
    .find((path) => existsSync(path));
}

export function faketime(): string | undefined {
  return findLibrary() === undefined ? 'faketime is not installed' : undefined;
}

/** The environment that every fake clock needs. */
function preloaded(): Readonly<Record<string, string>> {
  return {
    LD_PRELOAD: findLibrary() ?? 'libfaketime is not where Debian puts it',
    // Keep the monotonic clock real, since timers need it. The variable's name depends on the
    // version.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
}

/** The environment of a process whose clock is ahead of the machine's; negative means behind. */
export function skewedClock(skewMs: number): Readonly<Record<string, string>> {
  return { ...preloaded(), FAKETIME: offsetText(skewMs) };
}

function offsetText(ms: number): string {
  return `${ms < 0 ? '' : '+'}${ms / 1_000}s`;
}

export class SteppedClock {
  readonly #file: string;
  readonly env: Readonly<Record<string, string>>;
  /** How far the clock is ahead of the machine's, ms. */
  offsetMs = 0;

  private constructor(file: string) {
    this.#file = file;
    this.env = {
      ...preloaded(),
      FAKETIME_TIMESTAMP_FILE: file,
      // Read the file at every call, so that all threads see a step at once.
      FAKETIME_NO_CACHE: '1',
    };
  }

  static async make(): Promise<SteppedClock> {
    const clock = new SteppedClock(join(await temporaryFolder(), 'clock'));
    await clock.step(0);
    return clock;
  }

  now(): number {
    return Date.now() + this.offsetMs;
  }

  async step(ms: number): Promise<void> {
    this.offsetMs += ms;
    await writeFile(`${this.#file}.new`, `${offsetText(this.offsetMs)}\n`);
    await rename(`${this.#file}.new`, this.#file);
  }
}
