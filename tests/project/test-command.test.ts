/** The npm scripts: how they affect the machine, and what they say about misuse. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const scriptNamed = (name: string): string => join(root, 'scripts', name);
const script = scriptNamed('packages.mjs');

/** The output of a module. */
function output(code: string): string {
  const args = ['--input-type=module', '--eval', code];
  return execFileSync(process.execPath, args, { encoding: 'utf8', stdio: 'pipe' });
}

/** Asks the policy in that file whether a service may start while packages are installed. */
function duringInstallation(policy: string, work: string): string {
  const code = `
    import { spawnSync } from 'node:child_process';
    import { withoutServices } from ${JSON.stringify(script)};
    const policy = ${JSON.stringify(policy)};
    withoutServices(() => { ${work} }, policy);`;
  return output(code);
}

const askPolicy = 'console.log(spawnSync(policy, ["nginx", "start"]).status);';
const own = '#!/bin/sh\nexit 104\n';

test('no service starts while packages are installed, and our policy is removed', async () => {
  const policy = join(await temporaryFolder(), 'policy-rc.d');
  expect(duringInstallation(policy, askPolicy)).toBe('101\n');
  expect(existsSync(policy)).toBe(false);
});

test("the machine's own policy is restored even if the installation fails", async () => {
  const policy = join(await temporaryFolder(), 'policy-rc.d');
  await writeFile(policy, own, { mode: 0o755 });
  expect(duringInstallation(policy, askPolicy)).toBe('101\n');
  expect(await readFile(policy, 'utf8')).toBe(own);
  expect(() => duringInstallation(policy, 'throw new Error("apt");')).toThrow('apt');
  expect(await readFile(policy, 'utf8')).toBe(own);
});

test('after an installation was killed, the next one restores the policy', async () => {
  const policy = join(await temporaryFolder(), 'policy-rc.d');
  await writeFile(policy, own, { mode: 0o755 });
  expect(() => duringInstallation(policy, 'process.kill(process.pid, "SIGKILL");')).toThrow();
  expect(duringInstallation(policy, askPolicy)).toBe('101\n');
  expect(await readFile(policy, 'utf8')).toBe(own);
});

/** What an installation as root prints, with the calls of an apt that installs nothing. */
async function installMissing(env: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder();
  const echo = '#!/bin/sh\necho "apt-get $*" >&2\n';
  await writeFile(join(folder, 'apt-get'), echo, { mode: 0o755 });
  await writeFile(join(folder, 'apt-cache'), '#!/bin/sh\n', { mode: 0o755 });
  const programs = { sh: 'dash', 'no-such-wrk': 'wrk', 'no-such-ab': 'apache2-utils' };
  const code = `
    import { installMissing } from ${JSON.stringify(script)};
    process.getuid = () => 0;
    installMissing(${JSON.stringify(programs)}, ${JSON.stringify(join(folder, 'policy-rc.d'))});`;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
    encoding: 'utf8',
    env: { PATH: `${folder}:/usr/bin:/bin`, ...env },
  });
  return stderr;
}

test('the packages are listed before they are installed', async () => {
  expect(await installMissing({})).toMatch(
    /^reto3: installing Debian packages for tests: wrk, apache2-utils\n.* RETO3_INSTALL=0 skips .*\napt-get update .*\napt-get install .* wrk apache2-utils\n$/,
  );
});

test('with RETO3_INSTALL=0 nothing is installed, and the missing packages are named', async () => {
  expect(await installMissing({ RETO3_INSTALL: '0' })).toBe(
    'reto3: not installed, because of RETO3_INSTALL=0: wrk, apache2-utils\n',
  );
});

test('packages that cannot be installed are named, and the exit code is not 0', () => {
  const { status, stderr } = spawnSync(process.execPath, [script, 'wrk', 'nginx'], {
    encoding: 'utf8',
    env: { PATH: '' },
  });
  expect([status, stderr]).toEqual([
    1,
    'reto3: cannot install wrk, nginx: that needs root and apt-get\n',
  ]);
});

test('a package that apt does not know is named and left out of the installation', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'apt-cache'), '#!/bin/sh\n[ "$2" != tsung ]\n', { mode: 0o755 });
  const code = `
    import { available } from ${JSON.stringify(script)};
    console.log(available(['wrk', 'tsung', 'nginx']).join());`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
    encoding: 'utf8',
    env: { PATH: `${folder}:/usr/bin:/bin` },
  });
  expect([stdout, stderr]).toEqual(['wrk,nginx\n', 'reto3: apt has no package tsung\n']);
});

test.runIf(process.platform === 'linux')(
  'roots unused for a week are deleted, except those in use',
  async () => {
    const cache = await temporaryFolder();
    const dayMs = 24 * 60 * 60_000;
    const nowMs = Date.now();
    const ages = { wanted: 30, used: 8, old: 8, young: 6 };
    const folderOf = (name: string): string => join(cache, `debian-13-${name}`);
    for (const [name, days] of Object.entries(ages)) {
      await mkdir(folderOf(name));
      await writeFile(join(folderOf(name), 'file'), '');
      await utimes(folderOf(name), (nowMs - days * dayMs) / 1_000, (nowMs - days * dayMs) / 1_000);
    }
    await mkdir(join(cache, 'something-else'));
    await utimes(join(cache, 'something-else'), 0, 0);
    const code = (now: number, wanted: string): string => `
      import { isInUse, removeOldRoots } from ${JSON.stringify(scriptNamed('old-roots.mjs'))};
      const used = ${JSON.stringify(folderOf('used'))};
      removeOldRoots(${JSON.stringify(folderOf(wanted))}, ${now}, (folder) => folder === used);
      console.log(isInUse('/'), isInUse(used));`;
    expect(output(code(nowMs, 'wanted'))).toBe('true false\n');
    const left = ['debian-13-used', 'debian-13-wanted', 'debian-13-young', 'something-else'];
    expect((await readdir(cache)).sort()).toEqual(left);
    // Age counts from the last use, not from the creation.
    output(code(nowMs + 2 * dayMs, 'used'));
    expect((await readdir(cache)).sort()).toEqual(left.filter((name) => !name.endsWith('young')));
  },
);

test('with npm_config_production, the installation still has what the build needs', async () => {
  const clone = await temporaryFolder();
  for (const name of ['scripts', 'package.json'])
    await cp(join(root, name), join(clone, name), { recursive: true });
  await mkdir(join(clone, 'packages'));
  // Stands in for the pinned pnpm, which is found by its hash.
  const { packageManager } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const [hash] = /[0-9a-f]{16}(?=[0-9a-f]{112}$)/.exec(packageManager) ?? [''];
  const bin = join(clone, 'node_modules/.reto3-pnpm', hash, 'package/bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'pnpm.cjs'), 'console.log(process.argv.slice(2).join(" "));');
  const install = [join(clone, 'scripts/setup.mjs'), '--install-only'];
  const { status, stderr } = spawnSync(process.execPath, install, {
    encoding: 'utf8',
    env: { ...process.env, npm_config_production: 'true' },
  });
  expect([status, stderr]).toEqual([0, expect.stringMatching(/^install .*--prod=false/)]);
});

const ofFaults = '--rounds N, --soak-minutes N';

test.each([
  ['faults', ['--help'], ofFaults],
  ['faults', ['--unknown', '1'], ofFaults],
  ['faults', ['--only'], ofFaults],
  ['faults', ['extra'], ofFaults],
  ['cluster-faults', ['--help'], '--rounds N'],
  ['hostile', ['--help'], '--seed N, --requests N'],
])('npm run %s refuses %j in one line', (name, args, wanted) => {
  const command = [scriptNamed(`${name}.mjs`), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
  const line = `reto3: got ${args[0]}, want some of --only NAME,…, ${wanted}\n`;
  expect({ status, stdout, stderr }).toEqual({ status: 2, stdout: '', stderr: line });
});

test('npm run bench refuses an unknown flag in one line', () => {
  const main = join(root, 'packages/bench/dist/main.js');
  const { status, stderr } = spawnSync(process.execPath, [main, '--unknown'], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([2, "bench: Unknown option '--unknown'; see --help\n"]);
});

test.each(['newer-build', 'newer-build-load'])(
  'without a Debian 13, the project %s says how to get one',
  (project) => {
    const vitest = join(root, 'node_modules/.bin/vitest');
    const { status, stdout } = spawnSync(
      vitest,
      ['run', '--project', project, '--reporter', 'verbose'],
      {
        ...{ cwd: root, encoding: 'utf8' },
        env: {
          PATH: process.env['PATH'],
          NO_COLOR: '1',
          RETO3_NEWER_BUILD_MISSING: 'debootstrap is not installed',
        },
      },
    );
    expect({ status, stdout }).toMatchObject({ status: 0 });
    expect(stdout).toContain('which npm test makes as root on a Debian with debootstrap');
    expect(stdout).toContain('debootstrap is not installed');
  },
);
