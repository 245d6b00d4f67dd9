import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';

/** Asserts that no other user may read the file or folder, or anything in it. */
export async function expectPrivate(path: string): Promise<void> {
  const found = await stat(path);
  expect([path, found.mode & 0o077]).toEqual([path, 0]);
  if (!found.isDirectory()) return;
  for (const name of await readdir(path)) await expectPrivate(join(path, name));
}
