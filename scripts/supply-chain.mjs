/**
 * Verifies dependencies: the SHA-256 of each native binary, the licences of everything shipped and,
 * if the registry supports audits, known vulnerabilities. Part of `npm run check`.
 *
 * After you change and review a dependency, run `node scripts/supply-chain.mjs --write` to update
 * the sums and licences.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pnpmScript } from './pnpm.mjs';
import { manifest, root, setup } from './setup.mjs';

const sumsFile = 'scripts/native-binaries.sha256';
const licencesFile = 'docs/licences.md';
const lockFile = 'pnpm-lock.yaml';
const cure = 'look at what changed, then: node scripts/supply-chain.mjs --write';

function pnpm(...args) {
  const command = [pnpmScript(manifest.packageManager), ...args];
  // This script reads the output, even if npm is configured to be silent.
  const env = { ...process.env, npm_config_loglevel: 'error' };
  return spawnSync(process.execPath, command, {
    cwd: root,
    env,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
}

/** The packages of a production installation: name, version, licence and folder of each. */
function shippedPackages() {
  const { status, stdout, stderr } = pnpm('licenses', 'list', '--prod', '--json');
  if (status !== 0) throw new Error(`cannot list the packages: ${stderr}`);
  return Object.entries(JSON.parse(stdout)).flatMap(([licence, packages]) =>
    packages.flatMap(({ name, versions, paths }) =>
      versions.map((version, index) => ({ name, version, licence, folder: paths[index] })),
    ),
  );
}

/**
 * The native binaries in a folder. Does not follow links, since pnpm links packages to each other.
 */
function nativeBinaries(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return nativeBinaries(path);
    return entry.isFile() && /\.(node|so|dylib|dll)$/.test(entry.name) ? [path] : [];
  });
}

/** The SHA-256 of every native binary, by `package@version/file`. */
function sumsOf(packages) {
  return new Map(
    packages.flatMap(({ name, version, folder }) =>
      nativeBinaries(folder).map((file) => [
        `${name}@${version}/${relative(folder, file)}`,
        createHash('sha256').update(readFileSync(file)).digest('hex'),
      ]),
    ),
  );
}

/** Whether a package is for one platform; other platforms install another one instead. */
function isForOneMachine({ folder }) {
  return 'cpu' in JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

function licencesPage(packages) {
  const rows = packages
    .filter((each) => !isForOneMachine(each))
    .map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`);
  return [
    '# Licences of what reto3 ships',
    '',
    'Every package of a production installation. `node scripts/supply-chain.mjs --write` writes this',
    'page, and `npm run check` fails if it is outdated.',
    '',
    '| package | version | licence |',
    '| --- | --- | --- |',
    ...rows.sort(),
    '',
  ].join('\n');
}

function readOrNothing(file) {
  try {
    return readFileSync(resolve(root, file), 'utf8');
  } catch {
    return '';
  }
}

/** The recorded sums. */
function knownSums() {
  return new Map(
    readOrNothing(sumsFile)
      .split('\n')
      .filter(Boolean)
      .map((line) => [line.slice(66), line.slice(0, 64)]),
  );
}

/**
 * The `name@version` of packages that other platforms install instead of one of these. Only the
 * manifests of packages that depend on them name them, since they are not installed here.
 */
function packagesElsewhere(packages) {
  const optional = packages.flatMap(({ folder }) => {
    const { optionalDependencies = {} } = JSON.parse(readOrNothing(join(folder, 'package.json')));
    return Object.entries(optionalDependencies).map(([name, version]) => `${name}@${version}`);
  });
  const here = packages.map(({ name, version }) => `${name}@${version}`);
  return optional.filter((name) => !here.includes(name));
}

/** The `package@version` of a recorded file. */
function packageOf(file) {
  return /^@?[^@]+@[^/]+/.exec(file)?.[0];
}

/**
 * Packages that fail on another machine: if the lockfile lacks one, it is not installed there; if
 * its sum is missing, the check fails there.
 */
function problemsElsewhere(packages) {
  const lock = readOrNothing(lockFile);
  const summed = new Set([...knownSums().keys()].map(packageOf));
  return packagesElsewhere(packages).flatMap((name) => [
    ...(lock.includes(`'${name}':`) ? [] : [`${lockFile}: got no ${name}, which others install`]),
    ...(summed.has(name) ? [] : [`${sumsFile}: got no SHA-256 of ${name}, which others install`]),
  ]);
}

/** The SHA-256 of the native binaries of a package for another platform. */
function sumsElsewhere(nameAndVersion) {
  const folder = mkdtempSync(join(tmpdir(), 'reto3-package-'));
  try {
    const run = (command, ...args) => {
      const { status, stdout, stderr } = spawnSync(command, args, {
        cwd: folder,
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`cannot fetch ${nameAndVersion}: ${stderr}`);
      return stdout.trim();
    };
    const archive = join(folder, run('npm', 'pack', '--silent', nameAndVersion));
    const integrity = createHash('sha512').update(readFileSync(archive)).digest('base64');
    if (!readOrNothing(lockFile).includes(`sha512-${integrity}}`))
      throw new Error(`${nameAndVersion} is not what ${lockFile} names: got sha512-${integrity}`);
    run('tar', '-xzf', archive);
    const [name, version] = nameAndVersion.split(/(?<=.)@/);
    return [...sumsOf([{ name, version, folder: join(folder, 'package') }])];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function binaryProblems(packages) {
  const known = knownSums();
  return [...sumsOf(packages)]
    .filter(([file, sum]) => known.get(file) !== sum)
    .map(([file, sum]) => `${file}: got SHA-256 ${sum}, want ${known.get(file) ?? 'none'}`);
}

/** Why there is no audit; undefined if the registry answered. */
function unanswered(said) {
  if (/ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH/.test(said))
    return 'the registry cannot be reached';
  if (/ERR_PNPM_AUDIT/.test(said)) return `the registry refuses to audit: ${said.trim()}`;
  return undefined;
}

/**
 * Known vulnerabilities in our versions. A registry that does not answer is a problem only with
 * RETO3_AUDIT=required, as in CI and for a release: development must work without a network, and
 * some mirrors do not support audits.
 */
export function vulnerabilities() {
  const { status, stdout, stderr } = pnpm('audit', '--prod');
  const said = stdout + stderr;
  if (status === 0) return [];
  const cause = unanswered(said);
  if (cause !== undefined) {
    const problem = `NOT AUDITED: cannot check for known vulnerabilities: ${cause}`;
    const { RETO3_AUDIT: audit } = process.env;
    if (audit === 'required') return [problem];
    console.error(`reto3: ${problem} (RETO3_AUDIT=required makes this a failure)`);
    return [];
  }
  return [`pnpm audit --prod says:\n${said}`];
}

/** Exits with 1 if anything differs from the record. */
export function checkSupplyChain() {
  const packages = shippedPackages();
  const problems = [...binaryProblems(packages), ...problemsElsewhere(packages)];
  if (readOrNothing(licencesFile) !== licencesPage(packages))
    problems.push(`${licencesFile} is outdated`);
  if (problems.length > 0) problems.push(cure);
  problems.push(...vulnerabilities());
  for (const problem of problems) console.error(`reto3: ${problem}`);
  if (problems.length > 0) process.exit(1);
}

function write() {
  setup();
  const packages = shippedPackages();
  const known = [...knownSums()];
  const others = packagesElsewhere(packages).flatMap((name) => {
    const kept = known.filter(([file]) => packageOf(file) === name);
    return kept.length > 0 ? kept : sumsElsewhere(name);
  });
  const sums = [...sumsOf(packages), ...others].sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = sums.map(([file, sum]) => `${sum}  ${file}\n`);
  writeFileSync(join(root, sumsFile), lines.join(''));
  writeFileSync(join(root, licencesFile), licencesPage(packages));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (process.argv[2] === '--write') write();
  else checkSupplyChain();
}
