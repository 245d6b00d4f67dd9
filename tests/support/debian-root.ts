/**
 * Runs `reto3` in another root directory: RETO3_TEST_ROOT, a Debian 13 with Node.js 24 that
 * scripts/debian-root.mjs makes. The projects `newer-build` and
 * `newer-build-load` of vitest.config.ts set it.
 */
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const clone = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const enter = `${clone}/scripts/enter-root.sh`;

interface TestRoot {
  /** The prefix of a command. */
  readonly wrapper: readonly string[];
  /** Puts the Node.js of the root first in PATH. */
  readonly env: Readonly<Record<string, string>>;
}

/** The environment of `reto3`: by default the tests' root, with the tests' own Node.js. */
export function testRoot(root = process.env['RETO3_TEST_ROOT']): TestRoot {
  const { PATH = '' } = process.env;
  const inPath = (folder: string) => ({ PATH: `${folder}:${PATH}` });
  if (!root) return { wrapper: [], env: inPath(dirname(process.execPath)) };
  return { wrapper: ['sh', enter, root, clone, tmpdir()], env: inPath('/usr/local/bin') };
}
