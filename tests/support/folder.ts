/** Data folders that their test deletes when it ends. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A new, empty folder. Files beside it, such as the copy before a repair, are deleted too. */
export async function temporaryFolder(): Promise<string> {
  const around = await mkdtemp(join(tmpdir(), 'reto3-test-'));
  onTestFinished(() => rm(around, { recursive: true, force: true }));
  const folder = join(around, 'folder');
  await mkdir(folder);
  return folder;
}
