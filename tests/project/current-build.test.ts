import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { changedSince } from '../support/current-build.ts';
import { temporaryFolder } from '../support/folder.ts';

test('a source newer than the build is named, unless it is a test', async () => {
  const clone = await temporaryFolder();
  const write = async (file: string, second: number): Promise<void> => {
    await writeFile(join(clone, file), '');
    await utimes(join(clone, file), second, second);
  };
  await mkdir(join(clone, 'packages/engine/src/store'), { recursive: true });
  await mkdir(join(clone, 'node_modules'));
  await write('packages/engine/src/store/keys.ts', 10);
  expect(changedSince(clone)).toBe('packages/engine/src/store/keys.ts');
  await write('node_modules/.reto3-built', 20);
  await write('packages/engine/src/store/keys.test.ts', 30);
  expect(changedSince(clone)).toBeUndefined();
  await write('packages/engine/src/store/keys.ts', 30);
  expect(changedSince(clone)).toBe('packages/engine/src/store/keys.ts');
});
