/**
 * Runs `reto3` in another root directory: RETO3_TEST_ROOT, a Debian 13 with Node.js 24 that
 * scripts/debian-root.mjs makes. The projects `newer-build` and
 * `newer-build-load` of vitest.config.ts set it.
 *
 * Each process has its own mount namespace, so its mounts end with it. The clone and the folder for
 * temporary files keep their paths, so that a path means the same on both sides.
 */
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const clone = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/**
 * Mounts, then replaces itself with the command, which keeps the process ID and receives signals.
 */
const enter = `
set -e
root=$1 clone=$2 temporary=$3; shift 3
for path in /proc /dev /sys "$clone" "$temporary"; do
  mkdir -p "$root$path"
  mount --rbind "$path" "$root$path"
done
# It names a file of the other root, and Node.js warns where that is missing.
exec chroot "$root" env --unset=NODE_EXTRA_CA_CERTS --chdir="$clone" "$@"
`;

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
  const unshare = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', enter, 'enter'];
  return { wrapper: [...unshare, root, clone, tmpdir()], env: inPath('/usr/local/bin') };
}
