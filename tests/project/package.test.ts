/**
 * The npm package on a bare machine: Node.js, npm and the package file, without a network. The
 * project `package` also runs the exactness test with the installed command line.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { testRoot } from '../support/debian-root.ts';
import { temporaryFolder } from '../support/folder.ts';
import { npm, npmOptions, runNode } from '../support/installed-package.ts';
import { launch } from '../support/processes.ts';
import { askReport, columnSum } from '../support/report.ts';
import { Server, serveArgs } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';

const installed = join(dirname(inject('cliFile') ?? ''), '..', 'lib', 'node_modules', 'reto3');

/** Everything below a folder except npm's cache. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((file) => !file.startsWith('.npm/'));
}

test("serves the dashboard and counts for a user's own report", async () => {
  const code = /```js\n(import \{ defineReport \}.*?)```/s.exec(
    await readFile(new URL('../../docs/reports.md', import.meta.url), 'utf8'),
  )?.[1];
  const module = join(await temporaryFolder(), 'methods.mjs');
  await writeFile(module, code ?? '');
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--report', module, '--report', 'top'],
  });
  await fetch(`http://127.0.0.1:${server.port}/`, { method: 'POST', body: 'a=b' });
  expect(columnSum(await askReport(server, 'methods', 'min'), 'posts')).toBe(1);
  expect(await (await fetch(server.adminUrl)).text()).toContain('<title>');
  expect((await askInfo(server.adminUrl)).uWebSockets).toMatch(/ build\)$/);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
});

test.each(['audit', 'backup', 'completion', 'doctor', 'query', 'replay', 'restore', 'serve'])(
  'has the help of reto3 %s',
  async (name) => {
    const { code, stdout } = await runCli([name, '--help']);
    expect([code, stdout]).toEqual([0, expect.stringContaining(`$ reto3 ${name}`)]);
  },
);

test('without DuckDB, says how to install it', async () => {
  const flags = serveArgs({ dataDir: await temporaryFolder(), flags: ['--archive'] });
  const { code, stderr } = await runCli(flags);
  expect([code, stderr]).toEqual([1, expect.stringContaining('[RETO3_DUCKDB_MISSING]')]);
});

test('is what was tested: no scripts, no version ranges, and a licence with each library', async () => {
  const { dependencies, peerDependencies } = JSON.parse(
    await readFile(join(installed, 'package.json'), 'utf8'),
  );
  for (const version of Object.values({ ...dependencies, ...peerDependencies }))
    expect(version).toMatch(/^(?:npm:@[^@]+@)?\d+\.\d+\.\d+[\w.-]*$/);
  const manifests = (await filesIn(installed)).filter((file) =>
    /node_modules\/(?:@(?!reto3)[^/]+\/)?[^/@]+\/package\.json$/.test(file),
  );
  expect(manifests.length).toBeGreaterThan(100);
  for (const file of manifests) {
    const manifest = JSON.parse(await readFile(join(installed, file), 'utf8'));
    const { scripts, gypfile } = manifest;
    expect({ file, scripts, gypfile }).toEqual({ file });
    const files = (await readdir(join(installed, dirname(file)))).join(' ');
    expect({ file, licence: manifest.license ?? files }).toMatchObject({
      licence: expect.stringMatching(/MIT|Apache|ISC|BSD|OFL|BlueOak|licen[cs]e/i),
    });
  }
});

/** `e_machine` of an ELF file. */
const machines = { x64: 62, arm64: 183 };

test.each(['x64', 'arm64'] as const)('has every native part for Linux on %s', async (arch) => {
  const modules = join(installed, 'node_modules');
  const binaries = (await filesIn(modules)).filter((file) => file.endsWith('.node'));
  const own = binaries.filter((file) => /linux/.test(file) && file.includes(arch)).sort();
  const level = { x64: ['.musl', ''], arm64: ['.armv8'] }[arch];
  // By the version of Node.js's binary interface: 20, 22, 24 and 25; the older build has only 20.
  expect(own).toEqual([
    ...level.map((kind) => `classic-level/prebuilds/linux-${arch}/classic-level${kind}.node`),
    `uWebSockets.js-older/binaries/uws_linux_${arch}_115.node`,
    ...[115, 127, 137, 141].map((abi) => `uWebSockets.js/uws_linux_${arch}_${abi}.node`),
  ]);
  for (const file of own) {
    const header = (await readFile(join(modules, file))).subarray(0, 20);
    expect([file, header.toString('latin1', 1, 4)]).toEqual([file, 'ELF']);
    expect([file, header.readUInt16LE(18)]).toEqual([file, machines[arch]]);
  }
  // The user installs DuckDB, whose binaries for other machines a clone has never loaded.
  const { peerDependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
  const lock = await readFile(new URL('../../pnpm-lock.yaml', import.meta.url), 'utf8');
  const bindings = `@duckdb/node-bindings-linux-${arch}@${peerDependencies['@duckdb/node-api']}`;
  expect(lock).toContain(`'${bindings}':`);
});

test('has a manual page, completions and the schema of its configuration file', async () => {
  const lib = join(dirname(inject('cliFile') ?? ''), '..');
  const manual = await readFile(join(lib, 'share', 'man', 'man1', 'reto3.1'), 'utf8');
  expect(manual).toMatch(/^\.TH RETO3 1 /);
  expect(manual).toContain('.SS reto3 stats');
  for (const file of ['completions/reto3', 'completions/_reto3', 'completions/reto3.fish'])
    expect(await readFile(join(installed, file), 'utf8')).toContain('reto3');
  const schema = await readFile(join(installed, 'reto3.schema.json'), 'utf8');
  expect(JSON.parse(schema)).toMatchObject({ properties: { port: { default: 8080 } } });
});

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // The group has ended.
  }
}

test('npx serves from the file, and writes only its cache and the data folder', async () => {
  const { file, npm: script } = inject('packed');
  const folder = await temporaryFolder();
  const npx = join(dirname(script), 'npx-cli.js');
  const reto3 = ['--yes', ...npmOptions(folder), '--package', file, 'reto3'];
  expect(await runNode(npx, ...reto3, 'version')).toMatch(/^reto3\//);
  const serve = serveArgs({ dataDir: join(folder, 'data') });
  // A process group of its own, as in a terminal: npx passes no signal on, so Ctrl-C is for all.
  const { wrapper, env } = testRoot();
  const shell = { wrapper: ['setsid', ...wrapper], env };
  const server = launch('node', [npx, ...reto3, ...serve], shell);
  onTestFinished(() => signalGroup(server.pid, 'SIGKILL'));
  await waitUntil('it serves', () => server.stderr.includes('takes requests'));
  signalGroup(server.pid, 'SIGINT');
  await server.exited;
  const left = await filesIn(folder);
  expect(left.length).toBeGreaterThan(0);
  expect(left.filter((name) => !name.startsWith('data/'))).toEqual([]);
});

test('uninstalling leaves only the data folder', async () => {
  const { file, npm: script } = inject('packed');
  const prefix = await temporaryFolder();
  const dataDir = join(prefix, 'data');
  await npm(script, prefix, 'install', file);
  const server = launch(join(prefix, 'bin', 'reto3'), serveArgs({ dataDir }), testRoot());
  await waitUntil('it serves', () => server.stderr.includes('takes requests'));
  server.signal('SIGTERM');
  expect(await server.exited).toEqual({ code: 0, signal: null });
  await npm(script, prefix, 'uninstall', 'reto3');
  const left = await filesIn(prefix);
  expect(left.length).toBeGreaterThan(0);
  expect(left.filter((name) => !name.startsWith('data/'))).toEqual([]);
});
