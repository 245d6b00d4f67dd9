/**
 * A Debian 13 with Node.js 24 in a folder, where the newer uWebSockets.js build loads, as it does in
 * the image. `npm test` runs the tests of HTTP, stop and crash in it (tests/support/debian-root.ts),
 * and `npm run bench -- --production` measures in it, with wrk.
 *
 * Making it takes about a minute, so it is kept in the user's cache, under a name made of all that
 * it comes from. It is made in a folder beside that and renamed when whole: what has the name is whole.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { has } from './packages.mjs';

const suite = 'trixie';
const nodeVersion = '24.21.0';
/** Of the npm package that holds the binary, by `process.arch`. */
const integrities = {
  x64: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  arm64:
    'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
};
/** A folder that another run has been making for longer was left by one that was killed. */
const abandonedMs = 60 * 60_000;
const mostMs = 10 * 60_000;

/** What tests make once and keep. */
export function cacheFolder() {
  const { XDG_CACHE_HOME: cache } = process.env;
  return join(cache || join(homedir(), '.cache'), 'reto3');
}

/** @throws Error with the end of what the command printed if it fails */
function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: mostMs,
    killSignal: 'SIGKILL',
    ...options,
  });
  if (status === 0) return stdout.trim();
  const said = error?.message ?? `${stdout}${stderr}`.trim().split('\n').slice(-3).join(' | ');
  throw new Error(`cannot run ${command}: ${said}`);
}

/** Debian's own archive, as this machine's apt is configured to reach it. */
function mirror() {
  const format = ['--format', '$(LABEL) $(REPO_URI)'];
  const lines = run('apt-get', ['indextargets', ...format, 'Created-By: Packages']).split('\n');
  const found = lines.map((line) => /^Debian (\S+)$/.exec(line)?.[1]).find(Boolean);
  if (found === undefined) throw new Error('cannot find Debian among the sources of apt');
  return found;
}

/** Why none can be made on this machine; undefined where one can. */
function obstacle() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux';
  if (integrities[process.arch] === undefined) return `got a processor of ${process.arch}`;
  const missing = ['apt-get', 'debootstrap', 'unshare'].find((program) => !has(program));
  return missing && `${missing} is not installed`;
}

/** Takes Node.js from npm, by the hash that is written down above. */
function installNode(folder) {
  const name = `node-linux-${process.arch}`;
  const pack = ['pack', '--silent', '--pack-destination', folder, `${name}@${nodeVersion}`];
  const archive = join(folder, run('npm', pack, { cwd: tmpdir() }));
  const sum = createHash('sha512').update(readFileSync(archive)).digest('base64');
  const wanted = integrities[process.arch];
  if (`sha512-${sum}` !== wanted)
    throw new Error(`cannot use ${name}@${nodeVersion}: got sha512-${sum}, want ${wanted}`);
  run('tar', [
    '-xzf',
    archive,
    '-C',
    join(folder, 'usr/local/bin'),
    '--strip-components=2',
    'package/bin/node',
  ]);
  rmSync(archive);
}

function removeAbandoned(cache) {
  for (const name of readdirSync(cache)) {
    const folder = join(cache, name);
    const ageMs = Date.now() - statSync(folder, { throwIfNoEntry: false })?.mtimeMs;
    if (name.startsWith('making-') && ageMs > abandonedMs) rmSync(folder, { recursive: true });
  }
}

function make(cache, root) {
  console.error(`reto3: making a Debian 13 with Node.js ${nodeVersion} in ${root}`);
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  removeAbandoned(cache);
  const folder = mkdtempSync(join(cache, 'making-'));
  try {
    // Everyone must be able to look into a root, unlike into a temporary folder.
    run('chmod', ['755', folder]);
    // What debootstrap mounts in it ends with this namespace, however debootstrap ends.
    const bootstrap = [
      'debootstrap',
      '--variant=minbase',
      '--include=wrk',
      suite,
      folder,
      mirror(),
    ];
    run('unshare', ['--mount', '--propagation', 'private', ...bootstrap]);
    rmSync(join(folder, 'var/cache/apt/archives'), { recursive: true, force: true });
    installNode(folder);
    const version = run('chroot', [folder, '/usr/local/bin/node', '--version']);
    if (version !== `v${nodeVersion}`) throw new Error(`got Node.js ${version}`);
    if (!existsSync(root)) renameSync(folder, root);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns {{ root: string } | { missing: string }} where it is, or why there is none */
export function debianRoot() {
  const missing = obstacle();
  if (missing !== undefined) return { missing };
  const cache = cacheFolder();
  const recipe = readFileSync(fileURLToPath(import.meta.url));
  const key = createHash('sha256').update(process.arch).update(recipe).digest('hex').slice(0, 16);
  const root = join(cache, `debian-13-${key}`);
  try {
    if (!existsSync(root)) make(cache, root);
    return { root };
  } catch (error) {
    return { missing: error.message };
  }
}
