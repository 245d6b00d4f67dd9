/**
 * Runs before tests of whole processes. They run the built command line, and a build older than the
 * sources would pass or fail for outdated code.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A source file that is newer than this clone's last build; undefined if there is none. */
export function changedSince(clone: string): string | undefined {
  // scripts/setup.mjs writes this file.
  const built = statSync(join(clone, 'node_modules', '.reto3-built'), { throwIfNoEntry: false });
  const sources = readdirSync(join(clone, 'packages')).flatMap((name) => {
    const folder = join('packages', name, 'src');
    return readdirSync(join(clone, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(?:ts|css|html)$/.test(file) && !file.endsWith('.test.ts'))
      .map((file) => join(folder, file));
  });
  return sources.find((file) => statSync(join(clone, file)).mtimeMs > (built?.mtimeMs ?? 0));
}

/** For Vitest: aborts the run if the build is outdated. */
export function setup(): void {
  const file = changedSince(root);
  if (file !== undefined) throw new Error(`${file} is newer than the build: run npm run build`);
}
