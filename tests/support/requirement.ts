/**
 * Tests that need a program which is not one of our dependencies. If it is missing, they are
 * skipped by name; with RETO3_TEST_ALL=1, as in CI, a skip is a failure.
 */
import { spawnSync } from 'node:child_process';
import { test } from 'vitest';

/** Like Vitest's `test`, for tests that run these programs. */
export function requires(
  ...programs: readonly string[]
): (name: string, run: () => Promise<void>) => void {
  const { RETO3_TEST_PROGRAMS: installed } = process.env;
  const unlisted = installed && programs.find((each) => !installed.split(',').includes(each));
  if (unlisted) throw new Error(`BUG: scripts/test.mjs does not install ${unlisted}`);
  const program = programs.find((each) => !isInstalled(each));
  if (program === undefined) return (name, run) => test(name, run);
  const { RETO3_TEST_ALL: all } = process.env;
  if (all === '1') {
    return (name) =>
      test(name, () => {
        throw new Error(`cannot run this test: ${program} is not installed`);
      });
  }
  return (name, run) => test.skip(`${name} (skipped: ${program} is not installed)`, run);
}

function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', program]).status === 0;
}
