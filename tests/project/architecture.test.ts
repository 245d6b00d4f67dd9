/** `npm run check` refuses imports in the wrong direction. */
import { spawnSync } from 'node:child_process';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

type Manifest = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The check's output for a clone with core, engine, archive and dashboard, plus these files. */
async function complaints(
  files: Readonly<Record<string, string>>,
  manifests: Readonly<Record<string, Manifest>> = {},
): Promise<string[]> {
  const clone = await temporaryFolder();
  for (const path of ['scripts', 'package.json'])
    await cp(join(root, path), join(clone, path), { recursive: true });
  await mkdir(join(clone, 'tests'));
  for (const name of ['core', 'engine', 'archive', 'dashboard']) {
    await mkdir(join(clone, 'packages', name, 'src'), { recursive: true });
    const manifest = JSON.stringify({ name: `@reto3/${name}`, ...manifests[name] });
    await writeFile(join(clone, 'packages', name, 'package.json'), manifest);
  }
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(clone, path)), { recursive: true });
    await writeFile(join(clone, path), text);
  }
  const script = pathToFileURL(join(clone, 'scripts', 'architecture.mjs'));
  const code = `(await import(${JSON.stringify(script)})).checkArchitecture()`;
  const args = ['--input-type=module', '--eval', code];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const lines = stderr.split('\n').filter((line) => line !== '');
  expect(status).toBe(lines.length === 0 ? 0 : 1);
  return lines;
}

const onCore = { dependencies: { '@reto3/core': 'workspace:*' } };

test('an import downward passes', async () => {
  const files = { 'packages/engine/src/ring.ts': "import { ms10 } from '@reto3/core';\n" };
  expect(await complaints(files, { engine: onCore })).toEqual([]);
});

test.each([
  ["import { Store } from '@reto3/engine';", '@reto3/engine'],
  ["import {\n  Store,\n} from '@reto3/engine';", '@reto3/engine'],
  ["export { Store } from '@reto3/engine';", '@reto3/engine'],
  ["const { Store } = await import('@reto3/engine');", '@reto3/engine'],
  ["import '@reto3/engine/ring';", '@reto3/engine'],
  ["import { jetstream } from '@nats-io/jetstream';", '@nats-io/jetstream'],
])("an import that only the root's manifest names fails: %j", async (code, library) => {
  expect(await complaints({ 'packages/core/src/up.ts': `${code}\n` })).toEqual([
    `reto3: packages/core/src/up.ts imports ${library}, which packages/core/package.json does not name`,
  ]);
});

test('a manifest that names a package above it fails', async () => {
  const onArchive = { dependencies: { '@reto3/archive': 'workspace:*' } };
  expect(await complaints({}, { engine: onArchive })).toEqual([
    'reto3: packages/engine may not import @reto3/archive: it is not below it',
  ]);
});

test('a library away from its home fails', async () => {
  const onDuckdb = { optionalDependencies: { '@duckdb/node-api': '1.0.0' } };
  expect(await complaints({}, { engine: onDuckdb })).toEqual([
    'reto3: packages/engine may not depend on @duckdb/node-api: its home is packages/archive',
  ]);
});

test.each([
  ["import type { Info } from '@reto3/client/answers';", []],
  ["import { ask } from '@reto3/client';", ['@reto3/client']],
  [
    "import {\n  type Info,\n  infoSchema,\n} from '@reto3/client/answers';",
    ['@reto3/client/answers'],
  ],
])('the dashboard takes types only: %j', async (code, refused) => {
  const onClient = { devDependencies: { '@reto3/client': 'workspace:*' } };
  const files = { 'packages/dashboard/src/main.ts': `${code}\n` };
  expect(await complaints(files, { dashboard: onClient })).toEqual(
    refused.map(
      (door) => `reto3: packages/dashboard/src/main.ts imports code of ${door}: take types only`,
    ),
  );
});

test('a relative import past the door of a package fails', async () => {
  const code = "import { Store } from '../../packages/engine/src/store.ts';\n";
  expect(await complaints({ 'tests/tools/some.test.ts': code })).toEqual([
    'reto3: tests/tools/some.test.ts goes past the door of packages/engine/src/store.ts: import the package',
  ]);
});
