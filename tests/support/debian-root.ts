/**
 * Runs `reto3` in another root: RETO3_TEST_ROOT, a Debian 13 with Node.js 24 that
 * scripts/debian-root.mjs made. The project `newer-build` of vitest.config.ts sets it.
 *
 * Each process has its own mount namespace, so that mounts end with it. The clone and the folder for
 * temporary files are mounted under their own names, so that paths mean the same on both sides.
 */
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const clone = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Replaces itself by the command, which keeps the process ID and gets signals. */
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

interface Surroundings {
  /** Stands in front of a command. */
  readonly wrapper: readonly string[];
  /** Puts the Node.js of the root first in PATH. */
  readonly env: Readonly<Record<string, string>>;
}

/** What `reto3` runs in: the root of the tests with their own Node.js, unless there is another. */
export function surroundings(root = process.env['RETO3_TEST_ROOT']): Surroundings {
  const { PATH = '' } = process.env;
  const inPath = (folder: string) => ({ PATH: `${folder}:${PATH}` });
  if (!root) return { wrapper: [], env: inPath(dirname(process.execPath)) };
  const unshare = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', enter, 'enter'];
  return { wrapper: [...unshare, root, clone, tmpdir()], env: inPath('/usr/local/bin') };
}
