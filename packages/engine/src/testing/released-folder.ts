/** Folders and backups that released versions wrote, in tests/fixtures; for tests. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PeriodName } from '@reto3/core';

/** Counts by start of window, epoch ms; not all windows with 0. */
export type ReleasedCounts = Readonly<Record<string, number>>;

/** What a released version answered about its folder; a merger, about its cluster. */
export interface ReleasedAnswers extends Readonly<Record<PeriodName, ReleasedCounts>> {
  /** Each report's rows of the period `sec`. */
  readonly reports: Readonly<Record<string, readonly (readonly unknown[])[]>>;
  /** A merger's counts of the period `sec` of each node. */
  readonly nodes?: Readonly<Record<string, ReleasedCounts>>;
}

const fixtures = fileURLToPath(new URL('../../../../tests/fixtures', import.meta.url));

/** The folder of the first version's merger. */
export const releasedMerger = 'merger-0.1.0';

/** The names of the servers' folders. */
export function releasedFolders(): string[] {
  return readdirSync(fixtures).filter((name) => name.startsWith('released-'));
}

/** The path of a file that belongs to a fixture. */
export function releasedFile(name: string, file: string): string {
  return join(fixtures, name, file);
}

/** The counts above 0. */
export function above0(counts: ReleasedCounts): ReleasedCounts {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

/** Unpacks a data folder into `parent`. */
export function unpackReleased(
  name: string,
  parent: string,
): { readonly dataDir: string; readonly answers: ReleasedAnswers } {
  execFileSync('tar', ['-C', parent, '-xzf', releasedFile(name, 'data.tar.gz')]);
  const answers = JSON.parse(readFileSync(releasedFile(name, 'expected.json'), 'utf8'));
  return { dataDir: join(parent, 'data'), answers };
}
